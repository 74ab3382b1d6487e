//! The ledger that all others of this family follow.

stead_guest::bindings!(path: ["../../../wit", "wit/ticks", "wit/ledger-1"], world: "test:ledger/ledger");

use exports::test::ledger::api::Guest;
use test::{
    ledger::{
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
        let mut account = accounts::get(&name).unwrap_or_else(|| Account { balance: 0, note: "new".to_owned() });
        account.balance += amount;
        accounts::set(&name, &account);
        journal::append(&Line { account: name, amount: amount as i32 });
        Ok(account.balance.into())
    }

    fn open_many(prefix: String, first: u32, count: u32) {
        for number in first..first + count {
            let account = Account { balance: number, note: "opened".to_owned() };
            accounts::set(&format!("{prefix}{number:08}"), &account);
        }
    }

    fn close_account(name: String) {
        accounts::remove(&name);
    }

    fn set_note(name: String, note: String) {
        let balance = accounts::get(&name).map_or(0, |account| account.balance);
        accounts::set(&name, &Account { balance, note });
    }

    fn balance(name: String) -> Option<u64> {
        accounts::get(&name).map(|account| account.balance.into())
    }

    fn describe(name: String) -> Option<String> {
        accounts::get(&name).map(|account| account.note)
    }

    fn how_many() -> u64 {
        accounts::len()
    }

    fn write_line(amount: i32) -> u64 {
        journal::append(&Line { account: "written".to_owned(), amount })
    }

    fn line_at(index: u64) -> Option<String> {
        journal::at(index).map(|line| format!("{} {}", line.account, line.amount))
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
        "v1".to_owned()
    }
}

export!(Ledger);
