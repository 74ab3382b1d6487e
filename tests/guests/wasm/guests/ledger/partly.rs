//! As v2, but of what track 1 kept only accounts are upgraded entry by entry; `migrate` carries over the rest.

stead_guest::bindings!(
    path: ["../../../wit", "wit/ticks", "wit/ledger-1", "wit/ledger-2"],
    world: "test:ledger/ledger-partly@2.0.0",
);

mod two;

use exports::test::ledger2_0_0::accounts_alone::OldAccount;
use test::{
    ledger1_0_0 as old,
    ledger2_0_0::{
        accounts::Account,
        journal::{self, Line},
        motto::{self, Words},
        turnover,
    },
};

struct Ledger;

fn version() -> &'static str {
    "partly"
}

impl exports::test::ledger2_0_0::accounts_alone::Guest for Ledger {
    fn upgrade_accounts(old: OldAccount) -> Result<Option<Account>, String> {
        Ok(Some(Account { owner: "unknown".to_owned(), balance: old.balance.into(), notes: vec![old.note] }))
    }
}

impl exports::stead::plugin::migrate::Guest for Ledger {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        for number in 0..old::journal::end() {
            let Some(line) = old::journal::at(number) else { continue };
            journal::append(&Line { number, account: line.account, amount: line.amount.into() });
        }
        if let Some(words) = old::motto::get() {
            motto::set(&Words { characters: words.text.chars().count() as u32, text: words.text });
        }
        turnover::add(old::turnover::value());
        Ok(())
    }
}

export!(Ledger);
