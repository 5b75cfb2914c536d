//! What is done over a connection to the target, whatever kind of stream it is.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Of a read, and of a write.
const PIECE: usize = 64 * 1024;

/// One kind of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Nothing more than to connect.
    Connect,
    /// One octet to a target that echoes, and back: its time is that from before the connect.
    FirstByte,
    /// So many octets from a target that has no end of them: their time is that after the connect.
    Receive(u64),
    /// So many to one that discards them, until the last of them is taken.
    Send(u64),
}

impl Work {
    /// From a line: what, and how much.
    pub(crate) fn parse(line: &str) -> Result<(Self, u64)> {
        let (what, count) = line.split_once(' ').with_context(|| format!("what is {line:?}?"))?;
        let count = count.parse().with_context(|| format!("how many is {count:?}?"))?;
        match what {
            "first-byte" => Ok((Self::FirstByte, count)),
            "receive" => Ok((Self::Receive(count), 1)),
            "send" => Ok((Self::Send(count), 1)),
            _ => bail!("what is {what:?}?"),
        }
    }

    /// The port of the target that it needs: that of its kind in the list of well-known ones.
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Connect | Self::FirstByte => 7,
            Self::Send(_) => 9,
            Self::Receive(_) => 19,
        }
    }

    /// What of its time counts.
    pub(crate) fn time(self, begun: Instant, connected: Instant) -> Duration {
        match self {
            Self::Connect | Self::FirstByte => begun.elapsed(),
            Self::Receive(_) | Self::Send(_) => connected.elapsed(),
        }
    }
}

/// The same by calls that block and by futures.
macro_rules! perform {
    ($work:expr, $stream:expr $(, $wait:tt)?) => {{
        match $work {
            Work::Connect => {}
            Work::FirstByte => {
                let mut byte = [b'x'];
                $stream.write_all(&byte)$(.$wait)??;
                $stream.read_exact(&mut byte)$(.$wait)??;
            }
            Work::Receive(octets) => {
                let mut piece = vec![0; PIECE];
                let mut left = octets;
                while left > 0 {
                    match $stream.read(&mut piece)$(.$wait)?? {
                        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                        read => left = left.saturating_sub(read as u64),
                    }
                }
            }
            Work::Send(octets) => {
                let piece = vec![0; PIECE];
                let mut left = octets;
                while left > 0 {
                    let now = piece.len().min(usize::try_from(left).unwrap_or(PIECE));
                    $stream.write_all(&piece[..now])$(.$wait)??;
                    left -= now as u64;
                }
            }
        }
        Ok(())
    }};
}

pub(crate) fn blocking(work: Work, stream: &mut (impl Read + Write)) -> io::Result<()> {
    perform!(work, stream)
}

pub(crate) async fn tokio<S>(work: Work, stream: &mut S) -> io::Result<()>
where
    S: ::tokio::io::AsyncRead + ::tokio::io::AsyncWrite + Unpin,
{
    use ::tokio::io::{AsyncReadExt, AsyncWriteExt};
    perform!(work, stream, await)
}

pub(crate) async fn futures<S>(work: Work, stream: &mut S) -> io::Result<()>
where
    S: futures_lite::AsyncRead + futures_lite::AsyncWrite + Unpin,
{
    use futures_lite::{AsyncReadExt, AsyncWriteExt};
    perform!(work, stream, await)
}
