//! Node, whose event loop waits with epoll.

use super::{Invocation, Program, error_name, seen_in_output};

const FETCH: &str = "
const pages = Array.from({ length: 50 }, () => new Promise((done, failed) =>
  require('http').get(process.argv[1], (answer) => {
    let page = '';
    answer.on('data', (part) => page += part).on('end', () => done(page));
  }).on('error', failed)));
Promise.all(pages).then((pages) => {
  if (pages.some((page) => page.split(' peer=')[0] !== pages[0].split(' peer=')[0])) throw new Error('pages differ');
  process.stdout.write(pages[0]);
}).catch((error) => { console.error(error.code, error.message); process.exit(1); });
";

/// Fifty pages at once.
pub const NODE: Program = Program {
    name: "node",
    needs: &["node"],
    services: &[],
    invocation: |call| Ok(Invocation::new("node", &["-e", FETCH, &call.url()])),
    reached: seen_in_output,
    reports: error_name,
};

/// The same where libuv would rather have an io_uring.
pub const NODE_URING: Program = Program {
    name: "node, io_uring",
    invocation: |call| {
        let environment = vec![("UV_USE_IO_URING", "1".to_owned())];
        Ok(Invocation { environment, ..(NODE.invocation)(call)? })
    },
    ..NODE
};
