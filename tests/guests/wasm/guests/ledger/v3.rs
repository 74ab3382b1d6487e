//! The track after v2: what either of the two before kept is upgraded entry by entry.

stead_guest::bindings!(
    path: ["../../../wit", "wit/ticks", "wit/ledger-1", "wit/ledger-2", "wit/ledger-3"],
    world: "test:ledger/ledger@3.0.0",
);

use exports::test::ledger3_0_0::{api::Guest, from_one, from_two};
use test::{
    ledger3_0_0::{
        accounts::{self, Account},
        journal::{self, Line},
        motto::{self, Words},
        turnover,
    },
    ticks::ticks,
};

struct Ledger;

impl Guest for Ledger {
    fn credit(name: String, amount: u32) -> Result<u64, String> {
        turnover::add(amount.into());
        if name.is_empty() {
            return Err("a name is not empty".to_owned());
        }
        let mut account = accounts::get(&name).unwrap_or_else(|| Account { owner: name.clone(), cents: 0 });
        account.cents += 100 * u64::from(amount);
        accounts::set(&name, &account);
        journal::append(Line { amount: amount.into() });
        Ok(account.cents / 100)
    }

    fn open_many(prefix: String, first: u32, count: u32) {
        for number in first..first + count {
            let owner = format!("{prefix}{number:08}");
            accounts::set(&owner, &Account { owner: owner.clone(), cents: 100 * u64::from(number) });
        }
    }

    fn close_account(name: String) {
        accounts::remove(&name);
    }

    fn set_note(name: String, note: String) {
        let cents = accounts::get(&name).map_or(0, |account| account.cents);
        accounts::set(&name, &Account { owner: note, cents });
    }

    fn balance(name: String) -> Option<u64> {
        accounts::get(&name).map(|account| account.cents / 100)
    }

    fn describe(name: String) -> Option<String> {
        accounts::get(&name).map(|account| account.owner)
    }

    fn how_many() -> u64 {
        accounts::len()
    }

    fn write_line(amount: i32) -> u64 {
        journal::append(Line { amount: amount.into() })
    }

    fn line_at(index: u64) -> Option<String> {
        journal::at(index).map(|line| line.amount.to_string())
    }

    fn journal_end() -> u64 {
        journal::end()
    }

    fn forget_before(index: u64) {
        journal::truncate_before(index);
    }

    fn set_motto(text: String) {
        motto::set(&Words { text });
    }

    fn motto_text() -> Option<String> {
        motto::get().map(|words| words.text)
    }

    fn turned_over() -> i64 {
        turnover::value()
    }

    fn tick() -> u64 {
        ticks::add(1);
        ticks::value()
    }

    fn version() -> String {
        "v3".to_owned()
    }
}

impl from_one::Guest for Ledger {
    fn upgrade_accounts(owner: String, old: from_one::OneAccount) -> Result<Option<Account>, String> {
        Ok(Some(Account { owner, cents: 100 * u64::from(old.balance) }))
    }

    fn upgrade_journal(old: from_one::OneLine) -> Result<Option<Line>, String> {
        Ok(Some(Line { amount: old.amount.into() }))
    }

    fn upgrade_motto(old: from_one::OneWords) -> Result<Option<Words>, String> {
        Ok(Some(Words { text: old.text }))
    }
}

impl from_two::Guest for Ledger {
    fn upgrade_accounts(owner: String, old: from_two::TwoAccount) -> Result<Option<Account>, String> {
        Ok(Some(Account { owner, cents: 100 * old.balance }))
    }

    fn upgrade_journal(old: from_two::TwoLine) -> Result<Option<Line>, String> {
        Ok(Some(Line { amount: old.amount }))
    }

    fn upgrade_motto(old: from_two::TwoWords) -> Result<Option<Words>, String> {
        Ok(Some(Words { text: old.text }))
    }

    fn upgrade_turnover(old: i64) -> Result<Option<i64>, String> {
        Ok(Some(old))
    }
}

export!(Ledger);
