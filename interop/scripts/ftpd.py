"""Usage: ftpd.py PORT FOLDER passive|active

Anonymous FTP of the folder, in which the file `who` says whom the last control connection came from. All data
connections come from the same address (passive) or go there (active).
"""

import pathlib
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

port, folder, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Handler(FTPHandler):
    authorizer = DummyAuthorizer()

    def on_connect(self):
        pathlib.Path(folder, "who").write_text(f"interop-body peer={self.remote_ip}.\n")


# Nobody falls back to the other way.
NOT_UNDERSTOOD = {"passive": ("PORT", "EPRT"), "active": ("PASV", "EPSV")}
Handler.proto_cmds = {word: what for word, what in FTPHandler.proto_cmds.items() if word not in NOT_UNDERSTOOD[mode]}
Handler.authorizer.add_anonymous(folder)
FTPServer(("0.0.0.0", port), Handler).serve_forever()
