"""Usage: pool.py URL

Fetches it here, then in the processes of pools that fork and that start anew. Prints what comes: 1 + 2 * 8 pages.
"""

import multiprocessing
import sys
import urllib.request


def fetch(url):
    return urllib.request.urlopen(url, timeout=30).read().decode()


if __name__ == "__main__":
    try:
        print(fetch(sys.argv[1]), end="")
    except OSError as error:
        sys.exit(str(error))
    for method in "fork", "spawn":
        with multiprocessing.get_context(method).Pool(4) as pool:
            print("".join(pool.map(fetch, [sys.argv[1]] * 8, chunksize=1)), end="")
