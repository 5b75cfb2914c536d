"""Usage: children.py URL

Fetches it in five children at once, and once by a socket that is connected here and read by a child. Prints what comes.
"""

import socket
import subprocess
import sys
from urllib.parse import urlsplit

FETCH = "import sys, urllib.request as r; sys.stdout.write(r.urlopen(sys.argv[1], timeout=30).read().decode())"

url = urlsplit(sys.argv[1])
try:
    connection = socket.create_connection((url.hostname, url.port), timeout=30)
except OSError as error:
    sys.exit(str(error))
children = [subprocess.Popen([sys.executable, "-c", FETCH, sys.argv[1]], stdout=subprocess.PIPE) for _ in range(5)]
for child in children:
    page, _ = child.communicate()
    assert child.returncode == 0, child.returncode
    print(page.decode(), end="")

# Without it the child would have a socket that does not block.
connection.settimeout(None)
connection.sendall(f"GET {url.path} HTTP/1.0\r\n\r\n".encode())
answer = subprocess.run(["cat"], stdin=connection, stdout=subprocess.PIPE, check=True).stdout.decode()
print(answer.partition("\r\n\r\n")[2], end="")
