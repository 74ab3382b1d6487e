//! Tables, and ratios beside their budgets, as Markdown.

#![allow(clippy::print_stdout, reason = "what a benchmark finds is its standard output")]

use crate::stores::CONTENDERS;

/// What a ratio must keep to.
#[derive(Debug, Clone, Copy)]
pub enum Budget {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
    /// For information.
    None,
}

/// Which figures are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Large ones.
    Higher,
    /// Small ones.
    Lower,
}

/// Prints a heading.
pub fn heading(text: &str) {
    println!("\n### {text}\n");
}

/// Prints the columns' names of a table.
pub fn columns(names: &[&str]) {
    println!("| | {} |", names.join(" | "));
    println!("| --- |{}", " ---: |".repeat(names.len()));
}

/// Prints one row of a table: a name and its figures.
pub fn row(name: &str, figures: &[f64]) {
    let figures: Vec<String> = figures.iter().map(|figure| grouped(*figure)).collect();
    println!("| {name} | {} |", figures.join(" | "));
}

/// Starts a table with a column for each contender, and one that says who wins.
pub fn comparison(text: &str) {
    heading(text);
    println!("| | {} | best |", CONTENDERS.map(|contender| contender.name).join(" | "));
    println!("| --- |{} --- |", " ---: |".repeat(CONTENDERS.len()));
}

/// Prints one row of such a table. None where there is nothing to measure.
pub fn compare(what: &str, better: Better, figures: [Option<f64>; 4]) {
    let shown = figures.map(|figure| figure.map_or_else(|| "–".to_owned(), grouped));
    // Of two contenders, how much better the first is.
    let lead = |one: f64, other: f64| if better == Better::Higher { one / other } else { other / one };
    let peers = figures.iter().zip(CONTENDERS).skip(1).filter_map(|(figure, peer)| Some(((*figure)?, peer.name)));
    let best = peers.reduce(|one, other| if lead(other.0, one.0) > 1.0 { other } else { one });
    let verdict = match (figures[0], best) {
        (Some(own), Some((peer, name))) if lead(own, peer) >= 1.0 => format!("Stead, {:.1} × {name}", lead(own, peer)),
        (Some(own), Some((peer, name))) => format!("**{name}**, {:.1} × Stead", lead(peer, own)),
        _ => String::new(),
    };
    println!("| {what} | {} | {verdict} |", shown.join(" | "));
}

/// Prints a ratio beside its budget, as an item of a list.
pub fn ratio(what: &str, measured: f64, budget: Budget) {
    let verdict = match budget {
        Budget::AtLeast(least) if measured >= least => format!(" (budget at least {least}: kept)"),
        Budget::AtLeast(least) => format!(" (budget at least {least}: **missed**)"),
        Budget::AtMost(most) if measured <= most => format!(" (budget at most {most}: kept)"),
        Budget::AtMost(most) => format!(" (budget at most {most}: **missed**)"),
        Budget::None => String::new(),
    };
    println!("- {what}: {measured:.2}{verdict}");
}

/// Prints a bare figure, for the program that started this one.
pub fn figure(figure: f64) {
    println!("{figure}");
}

/// Thousands set apart; small figures with a decimal; a dash where there is none.
fn grouped(figure: f64) -> String {
    if figure.is_nan() {
        return "–".to_owned();
    }
    if figure < 100.0 {
        return format!("{figure:.1}");
    }
    let digits = format!("{figure:.0}");
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for start in (first..digits.len()).step_by(3) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&digits[start..start + 3]);
    }
    text
}
