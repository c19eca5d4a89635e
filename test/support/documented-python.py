"""
One of the Python examples of CLIENTS.md as a program that keeps books, as client-programs.ts does for JavaScript: writes, reads what it wrote,
counts and deletes, in threads. Its first line of input is JSON: name and code of the example, and whether all threads share one client; the
second one ends it. It prints how many operations are done now and then, and its books at the end.
"""

import json
import sys
import threading

threads_count = 4
keys_per_writer = 50

asked = json.loads(sys.stdin.readline())
name = asked["name"]


def made_client():
    scope = {}
    exec(asked["code"], scope)
    return scope["client"]


shared = made_client() if asked["isShared"] else None
books = {"values": {}, "counts": {}, "failures": [], "wrong": []}
done = [0] * threads_count
over = threading.Event()


def write(writer):
    client = shared if shared is not None else made_client()

    def ask(what, operation, *words):
        try:
            answer = operation(*words)
        except Exception as error:
            books["failures"].append(f"{name} {what}: {type(error).__name__} {error}")
            return False, None
        done[writer] += 1
        return True, answer

    counter = f"{name}:{writer}:counter"
    books["counts"][counter] = 0
    count = 0
    while not over.is_set():
        count += 1
        key, value = f"{name}:{writer}:{count % keys_per_writer}", str(count)
        # Whether one that failed was done is not known: nothing is expected of the key until the next that was.
        books["values"].pop(key, None)
        if not ask("SET", client.set, key, value)[0]:
            continue
        books["values"][key] = value
        is_answered, read = ask("GET", client.get, key)
        if is_answered and read != value.encode():
            books["wrong"].append(f"{key}: {value} became {read}")
        if ask("INCR", client.incr, counter)[0]:
            books["counts"][counter] += 1
        if count % 10 == 0:
            books["values"].pop(key, None)
            ask("DEL", client.delete, key)


def report(**more):
    print(json.dumps({"done": sum(done), "failed": len(books["failures"]), **more}), flush=True)


threads = [threading.Thread(target=write, args=(writer,)) for writer in range(threads_count)]
for thread in threads:
    thread.start()
ending = threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True)
ending.start()
while not over.wait(0.2):
    report()
for thread in threads:
    thread.join()
report(**books)
