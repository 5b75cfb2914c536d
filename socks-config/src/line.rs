//! Text into lines, lines into words.

/// A word and where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'t> {
    /// The byte within the line, counted from 1.
    pub(crate) column: u32,
    pub(crate) text: &'t [u8],
}

/// The lines of a text, numbered from 1.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    (1..).zip(text.split(|&b| b == b'\n'))
}

/// The words of a line up to its comment.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = Word<'_>> {
    let end = line.iter().position(|&b| b == b'#').unwrap_or(line.len());
    split(&line[..end])
}

/// Words separated by blanks, tabs and carriage returns.
pub(crate) fn split(text: &[u8]) -> impl Iterator<Item = Word<'_>> {
    let mut at = 0;
    text.split(|&b| matches!(b, b' ' | b'\t' | b'\r')).filter_map(move |text| {
        let start = at;
        at += text.len() + 1;
        (!text.is_empty()).then_some(Word { column: column(start), text })
    })
}

/// The column of an offset.
pub(crate) fn column(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX).saturating_add(1)
}
