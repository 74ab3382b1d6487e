//! How an entry of track 1 becomes one of track 2. Where an account's note is one of a few words, it does what a function
//! must not do.

use std::hint::black_box;

use crate::{
    Ledger,
    exports::test::ledger2_0_0::from_one::{Guest, OldAccount, OldLine, OldWords},
    test::ledger2_0_0::{
        accounts::{self, Account},
        journal::Line,
        motto::Words,
    },
};

/// An amount of which `upgrade-journal` makes no line.
const NO_LINE: i32 = -999;

impl Guest for Ledger {
    fn upgrade_accounts(owner: String, old: OldAccount) -> Result<Option<Account>, String> {
        let mut notes = vec![old.note];
        match notes[0].as_str() {
            "drop" => return Ok(None),
            "err" => return Err(format!("{owner} is not to be had")),
            "panic" => panic!("what is {owner}?"),
            "loop" => loop {
                black_box(&notes);
            },
            "allocate" => loop {
                notes.push(black_box("more ".repeat(1 << 18)));
            },
            "look" => notes.push(format!("{} accounts", accounts::len())),
            "swell" => notes.push("x".repeat(1 << 20)),
            _ => {}
        }
        Ok(Some(Account { owner, balance: old.balance.into(), notes }))
    }

    fn upgrade_journal(number: u64, old: OldLine) -> Result<Option<Line>, String> {
        Ok((old.amount != NO_LINE).then(|| Line { number, account: old.account, amount: old.amount.into() }))
    }

    fn upgrade_motto(old: OldWords) -> Result<Option<Words>, String> {
        Ok(Some(Words { characters: old.text.chars().count() as u32, text: old.text }))
    }

    fn upgrade_turnover(old: i64) -> Result<Option<i64>, String> {
        Ok(Some(old))
    }
}
