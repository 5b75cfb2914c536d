//! Bytes as a person writes them: `05 01 00 03 0c "mail.example" 00 19`.
//!
//! Two hexadecimal digits are one byte, a quoted text is its bytes (`\"` and `\\` stand for themselves), and
//! `*N` behind either repeats it. `#` begins a comment. A lone `|` is a mark.

/// A text taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) bytes: Vec<u8>,
    /// Where the mark stands.
    pub(crate) mark: Option<usize>,
}

/// A piece of a line: a quoted text with its repetition already done, or a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Quoted(Vec<u8>),
    Word(String),
}

/// Splits a line at its blanks and ends it at a comment.
pub(crate) fn pieces(line: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        if let Some(text) = rest.strip_prefix('"') {
            let (bytes, behind) = quoted(text)?;
            let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
            pieces.push(Piece::Quoted(bytes.repeat(repetition(&behind[..end])?)));
            rest = &behind[end..];
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            pieces.push(Piece::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(pieces)
}

/// Reads a whole line of bytes.
pub(crate) fn bytes(line: &str) -> Result<Bytes, String> {
    let mut out = Bytes::default();
    for piece in pieces(line)? {
        match piece {
            Piece::Quoted(text) => out.bytes.extend(text),
            Piece::Word(word) if word == "|" => {
                if out.mark.replace(out.bytes.len()).is_some() {
                    return Err("a second mark".into());
                }
            }
            Piece::Word(word) => {
                let (digits, times) = word.split_at(word.find('*').unwrap_or(word.len()));
                out.bytes.extend([byte(digits)?].repeat(repetition(times)?));
            }
        }
    }
    Ok(out)
}

/// Two hexadecimal digits.
pub(crate) fn byte(digits: &str) -> Result<u8, String> {
    match digits.len() {
        2 => u8::from_str_radix(digits, 16).map_err(|_| format!("not a byte: {digits}")),
        _ => Err(format!("not a byte: {digits}")),
    }
}

fn quoted(text: &str) -> Result<(Vec<u8>, &str), String> {
    let mut out = Vec::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let c = match c {
            '"' => return Ok((out, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, c @ ('"' | '\\'))) => c,
                _ => return Err("\\ stands before \" and \\ only".into()),
            },
            c => c,
        };
        out.extend(c.encode_utf8(&mut [0; 4]).bytes());
    }
    Err("a text without its closing quote".into())
}

fn repetition(text: &str) -> Result<usize, String> {
    match text.strip_prefix('*') {
        Some(times) => times.parse().map_err(|_| format!("not a number: {times}")),
        None if text.is_empty() => Ok(1),
        None => Err(format!("unexpected {text} behind a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_texts_repetition_mark_and_comment() {
        let read = bytes(r##"05 "a\"#" | 00*2 "xy"*2  # the rest is for people"##).unwrap();
        assert_eq!(read, Bytes { bytes: b"\x05a\"#\0\0xyxy".to_vec(), mark: Some(4) });
    }

    #[test]
    fn what_is_no_byte_is_an_error() {
        for bad in ["5", "055", "zz", "\"open", "00*x", "00 | 01 |", "\"a\"b"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
