//! Python: urllib, which connects without blocking and polls where it has a time limit, and asyncio, which waits with
//! epoll; and its ways to have children.

use super::{Invocation, Program, error_name, error_text, seen_in_output, seen_times};

const FETCH: &str = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=30).read().decode())";

/// One page with a time limit.
pub const URLLIB: Program = Program {
    name: "python-urllib",
    needs: &["python3"],
    services: &[],
    invocation: |call| Ok(Invocation::new("python3", &["-c", FETCH, &call.url()])),
    reached: seen_in_output,
    reports: error_text,
};

const FETCH_TWENTY: &str = "
import asyncio, errno, sys
from urllib.parse import urlsplit
url = urlsplit(sys.argv[1])
async def fetch():
    reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
    writer.write(f'GET {url.path} HTTP/1.0\\r\\nHost: {url.netloc}\\r\\n\\r\\n'.encode())
    page = (await reader.read()).decode().partition('\\r\\n\\r\\n')[2]
    writer.close()
    return page
async def main():
    pages = await asyncio.gather(*(fetch() for _ in range(20)))
    assert len({page.partition(' peer=')[0] for page in pages}) == 1, pages
    print(pages[0], end='')
try:
    asyncio.run(main())
except OSError as error:
    sys.exit(errno.errorcode.get(error.errno, str(error)))
";

/// Twenty pages at once.
pub const ASYNCIO: Program = Program {
    name: "python-asyncio",
    needs: &["python3"],
    services: &[],
    invocation: |call| Ok(Invocation::new("python3", &["-c", FETCH_TWENTY, &call.url()])),
    reached: seen_in_output,
    reports: error_name,
};

/// Pools of processes that fetch, forked from a process that did so already and started anew.
pub const MULTIPROCESSING: Program = Program {
    name: "python-multiprocessing",
    needs: &["python3"],
    services: &[],
    invocation: |call| Invocation::script("python3", "scripts/pool.py", &[&call.url()]),
    reached: |outcome, seen| seen_times(outcome, seen, 17),
    reports: error_text,
};

/// Children that fetch, which Python makes with vfork, and one that inherits a connected socket.
pub const SUBPROCESS: Program = Program {
    name: "python-subprocess",
    invocation: |call| Invocation::script("python3", "scripts/children.py", &[&call.url()]),
    reached: |outcome, seen| seen_times(outcome, seen, 6),
    ..MULTIPROCESSING
};
