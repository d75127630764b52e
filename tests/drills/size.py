"""What a message takes: bytes of tables with their indexes, of PostgreSQL's write-ahead log, and of an SQLite file, once the index of
search has followed. A real server on 127.0.0.1, people who write side by side, each in a room; what is printed is per message.

    size.py BINARY [--messages N] [--characters N]"""

import argparse
import concurrent.futures
import contextlib
import json
import pathlib
import random
import re
import tempfile
import time

from restore import Chat, Postgres, ask, check, eventually

WRITERS = 8
# The words of Lincoln at Gettysburg.
WORDS = """four score and seven years ago our fathers brought forth upon this continent a new nation conceived in liberty dedicated to the
proposition that all men are created equal now we engaged great civil war testing whether or any so can long endure met on battlefield
of have come dedicate portion field as final resting place for those who here gave their lives might live it is altogether fitting proper
should do but larger sense not consecrate hallow ground brave living dead struggled far above poor power add detract world will little
note nor remember what say never forget they did us rather be unfinished work which fought thus nobly advanced task remaining before from
these honored take increased devotion cause last full measure highly resolve shall died vain under god birth freedom government people by
perish earth""".split()
# Of each message: what stays for ever, what search adds to it, and what goes after CHAT_LOG_RETENTION_SECONDS.
KEPT, FOUND, PASSING = ["messages"], ["search"], ["log"]


def words(number, message, characters):
    """A text as people write it: an index of parts of words depends on how many there are."""
    chance = random.Random(number * 1_000_003 + message)
    text = f"{number} {message}"
    while len(text) < characters:
        text += " " + chance.choice(WORDS)
    return text[:characters].rstrip().ljust(characters, ".")


def write(chat, options, name):
    """So many messages of so many characters, each other than the others."""

    def one(number):
        token = chat.person(f"{name}-{number}")
        _, room = ask(f"{chat.url}/rooms", {"name": f"{name} {number}"}, token)
        for message in range(options.messages // WRITERS):
            text = words(number, message, options.characters)
            status, answer = ask(f"{chat.url}/messages", {"roomId": room["id"], "content": text}, token)
            check(status == 201, answer)

    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(one, range(WRITERS)))
    # The server counts what waits every five seconds; twice in a row nothing is the end.
    eventually("the index of search", lambda: followed(chat) and not time.sleep(6) and followed(chat), patience=600)


def followed(chat):
    """Whether nothing waits for the index of search."""
    return re.search(r"^search_queue_messages 0$", ask(f"{chat.url}/metrics")[1], re.M) is not None


def in_postgres(stack, folder, options):
    postgres = Postgres(stack, folder)
    postgres.create()
    chat = Chat(stack, folder, options.binary.resolve(), postgres)
    chat.start()
    # What is empty takes pages too.
    write(chat, argparse.Namespace(messages=WRITERS * 20, characters=options.characters), "first")

    def look():
        # What the index takes up later, it takes up now.
        postgres.sql("SELECT gin_clean_pending_list('search_by_terms')")
        sizes = {table: int(postgres.sql(f"SELECT pg_total_relation_size('{table}')")) for table in KEPT + FOUND + PASSING}
        return sizes, int(postgres.sql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))

    # What a checkpoint makes the log write whole once more is a matter of its interval, not of messages.
    postgres.sql("CHECKPOINT")
    before, log_before = look()
    write(chat, options, "then")
    after, log_after = look()
    each = lambda tables: round(sum(after[table] - before[table] for table in tables) / options.messages)
    return {"kept": each(KEPT), "found": each(FOUND), "passing": each(PASSING), "writeAheadLog": round((log_after - log_before) / options.messages)}


def in_sqlite(stack, folder, options):
    chat = Chat(stack, folder, options.binary.resolve(), argparse.Namespace(port=0))
    del chat.settings["DATABASE_URL"]
    chat.start()
    write(chat, argparse.Namespace(messages=WRITERS * 20, characters=options.characters), "first")
    # With what is still in its log.
    size = lambda: sum(path.stat().st_size for path in (folder / "server").glob("chat.db*"))
    before = size()
    write(chat, options, "then")
    return {"file": round((size() - before) / options.messages)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--messages", type=int, default=8000)
    parser.add_argument("--characters", type=int, default=200)
    options = parser.parse_args()
    found = {"messages": options.messages, "characters": options.characters}
    for name, measure in (("postgres", in_postgres), ("sqlite", in_sqlite)):
        with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
            folder = pathlib.Path(place)
            folder.chmod(0o755)
            try:
                found[name] = measure(stack, folder, options)
            except Exception as error:
                for log in sorted(folder.glob("*.log")):
                    error.add_note(f"{log.name}: {log.read_text(errors='replace')[-1500:]}")
                raise
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
