"""Makes the call of the benchmarks with requests.

The argument is the URL. Each line of the standard input says how many times to
call it; a line is printed when that is done.
"""

import sys

import requests

url = sys.argv[1]
host = url.split("/")[2].split(":")[0]
with requests.Session() as session:
    session.headers.update({"User-Agent": "bench/1.0", "X-Team": "shelves", "X-Client": "shop"})
    session.cookies.set("sid", "3f2a9c5d7e8b4016", domain=host, path="/")
    session.cookies.set("theme", "dark", domain=host, path="/")
    session.cookies.set("region", "eu-west", domain=host, path="/v1")
    for line in sys.stdin:
        for _ in range(int(line)):
            response = session.get(
                url,
                params={"page": "2", "q": "red things"},
                headers={"Accept": "application/json", "X-Request-Id": "0a1b2c3d"},
                auth=("user", "pa55word"),
            )
            got = response.json()
            if got["id"] != 4711 or len(got["tags"]) != 3:
                sys.exit(f"got {got}")
        print("done", flush=True)
