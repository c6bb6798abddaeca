"""A session of the Python client, without a connection, which does what it is told line by line: for histories.py."""
import json
import sys

from aribus import AribusError
from aribus._session import Call, Session


def main():
    session, calls, sent, done = None, {}, [], []

    def call(number, method, params):
        def finished():
            error = calls[number].error
            done.append([number, type(error).__name__ if error else None, calls[number].result])
        calls[number] = Call(method, params)
        calls[number].on_done = finished
        session.call(calls[number])

    for line in sys.stdin:
        what, *parameters = json.loads(line)
        answer = {}
        sent.clear(), done.clear()
        if what == "new":
            session, calls = Session(queued=parameters[0]), {}
        elif what == "opened":
            session.opened(lambda data: sent.append(data.decode()))
        elif what == "received":
            try:
                session.received(parameters[0].encode())
            except ValueError as error:
                answer["broken"] = str(error)
        elif what == "call":
            call(*parameters)
        elif what == "give_up":
            session.give_up(calls[parameters[0]], "given up")
        elif what == "take":
            try:
                answer["item"] = session.take()
            except AribusError as error:
                answer["item"] = {"error": type(error).__name__}
        else:  # closed, shut
            getattr(session, what)(*parameters)
        print(json.dumps({**answer, "sent": sent, "done": done, "items": len(session.items), "ready": session.ready,
                          "wants_more": session.wants_more, "cursor": session.cursor}), flush=True)


main()
