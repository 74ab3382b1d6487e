//! What the ledgers on 2.0.0 have in common.

use crate::{
    Ledger,
    exports::test::ledger2_0_0::api::Guest,
    test::{
        ledger2_0_0::{
            accounts::{self, Account},
            journal::{self, Line},
            motto::{self, Words},
            turnover,
        },
        ticks::ticks,
    },
    version,
};

fn account(owner: &str) -> Account {
    accounts::get(owner).unwrap_or_else(|| Account {
        owner: owner.to_owned(),
        balance: 0,
        notes: vec!["new".to_owned()],
    })
}

fn append(account: String, amount: i64) -> u64 {
    journal::append(&Line { number: journal::end(), account, amount })
}

impl Guest for Ledger {
    fn credit(name: String, amount: u32) -> Result<u64, String> {
        turnover::add(amount.into());
        if name.is_empty() {
            return Err("a name is not empty".to_owned());
        }
        let mut account = account(&name);
        account.balance += u64::from(amount);
        accounts::set(&name, &account);
        append(name, amount.into());
        Ok(account.balance)
    }

    fn open_many(prefix: String, first: u32, count: u32) {
        for number in first..first + count {
            let owner = format!("{prefix}{number:08}");
            accounts::set(&owner, &Account { balance: number.into(), ..account(&owner) });
        }
    }

    fn close_account(name: String) {
        accounts::remove(&name);
    }

    fn set_note(name: String, note: String) {
        accounts::set(&name, &Account { notes: vec![note], ..account(&name) });
    }

    fn balance(name: String) -> Option<u64> {
        accounts::get(&name).map(|account| account.balance)
    }

    fn describe(name: String) -> Option<String> {
        accounts::get(&name).map(|account| format!("{}: {}", account.owner, account.notes.join(", ")))
    }

    fn how_many() -> u64 {
        accounts::len()
    }

    fn write_line(amount: i32) -> u64 {
        append("written".to_owned(), amount.into())
    }

    fn line_at(index: u64) -> Option<String> {
        journal::at(index).map(|line| format!("{} {} {}", line.number, line.account, line.amount))
    }

    fn journal_end() -> u64 {
        journal::end()
    }

    fn forget_before(index: u64) {
        journal::truncate_before(index);
    }

    fn set_motto(text: String) {
        motto::set(&Words { characters: text.chars().count() as u32, text });
    }

    fn motto_text() -> Option<String> {
        motto::get().map(|words| format!("{} ({})", words.text, words.characters))
    }

    fn turned_over() -> i64 {
        turnover::value()
    }

    fn tick() -> u64 {
        ticks::add(1);
        ticks::value()
    }

    fn version() -> String {
        version().to_owned()
    }
}
