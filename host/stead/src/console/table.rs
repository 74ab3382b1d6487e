//! Aligned tables: the first column and text to the left, numbers to the right.

use super::{BOLD, Console, styled};
use crate::failure::Failure;

/// Rows under headings; each column is as wide as its widest cell.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Headings in order; one that starts with `>` is aligned to the right.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self {
            headings: headings.iter().map(|heading| heading.trim_start_matches('>')).collect(),
            right: headings.iter().map(|heading| heading.starts_with('>')).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = cells.into_iter().map(one_line).collect();
        row.resize(self.headings.len(), String::new());
        self.rows.push(row);
    }

    pub(crate) fn print(&self, console: &Console) -> Result<(), Failure> {
        let headings: Vec<String> = self.headings.iter().map(|&heading| heading.to_owned()).collect();
        let widths = self.widths(&headings);
        console.line(styled(BOLD, self.format(&headings, &widths)))?;
        for row in &self.rows {
            console.line(self.format(row, &widths))?;
        }
        Ok(())
    }

    fn widths(&self, headings: &[String]) -> Vec<usize> {
        (0..headings.len())
            .map(|column| {
                self.rows.iter().map(|row| width(&row[column])).chain([width(&headings[column])]).max().unwrap_or(0)
            })
            .collect()
    }

    fn format(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            if column > 0 {
                line.push_str("  ");
            }
            let pad = " ".repeat(widths[column] - width(cell));
            if self.right[column] {
                line.push_str(&pad);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&pad);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Text from a plugin must not break the table or drive the terminal.
fn one_line(text: String) -> String {
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["PLUGIN", ">CALLS"]);
        table.row(["tally".to_owned(), "7".to_owned()]);
        table.row(["a".to_owned(), "1 234".to_owned()]);
        let widths = table.widths(&["PLUGIN".to_owned(), "CALLS".to_owned()]);
        assert_eq!(table.format(&table.rows[0], &widths), "tally       7");
        assert_eq!(table.format(&table.rows[1], &widths), "a       1 234");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(one_line("a\u{1b}[31m".to_owned()), "a\\u{1b}[31m");
    }
}
