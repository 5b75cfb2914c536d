"""Usage: ftpd.py PORT FOLDER

Anonymous FTP of the folder, in which the file `who` says whom the last control connection came from. A data connection
goes to or comes from the same address, or is refused: that is the server's own default.
"""

import pathlib
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

port, folder = int(sys.argv[1]), sys.argv[2]


class Handler(FTPHandler):
    authorizer = DummyAuthorizer()

    def on_connect(self):
        pathlib.Path(folder, "who").write_text(f"interop-body peer={self.remote_ip}.\n")


Handler.authorizer.add_anonymous(folder)
FTPServer(("0.0.0.0", port), Handler).serve_forever()
