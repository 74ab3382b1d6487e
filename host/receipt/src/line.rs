//! Lines of a file that nothing vouches for, each of a bounded length.

use std::io::{self, BufRead, Read};

use crate::limits::{FILE_BYTES_MAX, LINE_BYTES_MAX};

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// With its end, which is not in the text.
    Whole(String),
    /// The file ends before the line does.
    CutOff(String),
    /// It is longer than any line, or no text. All of it was passed over.
    Unreadable(&'static str),
    /// The file is larger than any.
    FileTooLarge,
    /// The file ended with the line before.
    End,
}

/// Reads lines of a bounded length.
pub(crate) struct Lines<R> {
    reader: R,
    left: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Lines<R> {
        Lines { reader, left: FILE_BYTES_MAX }
    }

    pub(crate) fn next(&mut self) -> io::Result<Line> {
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes)?;
        self.left = self.left.saturating_sub(read as u64);
        if self.left == 0 {
            return Ok(Line::FileTooLarge);
        }
        if read == 0 {
            return Ok(Line::End);
        }
        let whole = bytes.last() == Some(&b'\n');
        if !whole && read > LINE_BYTES_MAX {
            return self.pass_over();
        }
        if whole {
            bytes.pop();
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) if whole => Line::Whole(text),
            Ok(text) => Line::CutOff(text),
            Err(_) => Line::Unreadable("it is not UTF-8"),
        })
    }

    /// Reads on to the end of a line without holding it.
    fn pass_over(&mut self) -> io::Result<Line> {
        loop {
            let buffered = self.reader.fill_buf()?;
            let (used, ended) = match buffered.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffered.len(), buffered.is_empty()),
            };
            self.reader.consume(used);
            self.left = self.left.saturating_sub(used as u64);
            if self.left == 0 {
                return Ok(Line::FileTooLarge);
            }
            if ended {
                return Ok(Line::Unreadable("it is longer than a receipt can be"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_are_read_whole_or_not_at_all() {
        let long = "x".repeat(LINE_BYTES_MAX + 5);
        let file = ["one\n", &long, "\ntwo\n", "thr"].concat();
        let mut lines = Lines::new(BufReader::new(file.as_bytes()));
        assert_eq!(lines.next().unwrap(), Line::Whole("one".into()));
        assert_eq!(lines.next().unwrap(), Line::Unreadable("it is longer than a receipt can be"));
        assert_eq!(lines.next().unwrap(), Line::Whole("two".into()));
        assert_eq!(lines.next().unwrap(), Line::CutOff("thr".into()));
        assert_eq!(lines.next().unwrap(), Line::End);
        let mut binary = Lines::new(&b"\xff\xfe\n"[..]);
        assert_eq!(binary.next().unwrap(), Line::Unreadable("it is not UTF-8"));
    }

    #[test]
    fn a_file_without_end_is_given_up() {
        let mut lines = Lines::new(BufReader::with_capacity(1 << 20, io::repeat(b'x')));
        assert_eq!(lines.next().unwrap(), Line::FileTooLarge);
    }
}
