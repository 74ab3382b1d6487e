//! Tables, and ratios beside their budgets.

#![allow(clippy::print_stdout, reason = "what a benchmark finds is its standard output")]

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

/// Prints a heading.
pub fn heading(text: &str) {
    println!("\n{text}");
}

/// Prints one row of a table: a name and its figures.
pub fn row(name: &str, figures: &[f64], unit: &str) {
    let figures: String = figures.iter().map(|figure| format!("{:>12}", grouped(*figure))).collect();
    println!("  {name:<34}{figures}  {unit}");
}

/// Prints one text row of a table, for its columns' names.
pub fn columns(names: &[&str]) {
    let names: String = names.iter().map(|name| format!("{name:>12}")).collect();
    println!("  {:<34}{names}", "");
}

/// Prints a ratio beside its budget.
pub fn ratio(what: &str, measured: f64, budget: Budget) {
    let verdict = match budget {
        Budget::AtLeast(least) if measured >= least => format!("budget at least {least}: kept"),
        Budget::AtLeast(least) => format!("budget at least {least}: MISSED"),
        Budget::AtMost(most) if measured <= most => format!("budget at most {most}: kept"),
        Budget::AtMost(most) => format!("budget at most {most}: MISSED"),
        Budget::None => String::new(),
    };
    println!("  {what:<58}{measured:>8.2}  {verdict}");
}

/// Thousands set apart; small figures with a decimal.
fn grouped(figure: f64) -> String {
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
