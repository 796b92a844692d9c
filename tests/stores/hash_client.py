"""pymemcache's HashClient, which memcached.rs asks for keys: a line with the servers, then lines with keys.

The answer to keys is what is under them, on the server that HashClient chooses for each.
"""

import json
import sys

from pymemcache.client.hash import HashClient

client = None
for line in sys.stdin:
    question = json.loads(line)
    if client is None:
        client = HashClient(question)
        answer = "connected"
    else:
        found = [client.get(key) for key in question]
        answer = [value and value.decode() for value in found]
    print(json.dumps(answer), flush=True)
