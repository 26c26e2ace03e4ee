"""A local Variance: takes the payloads, answers as told, and shows what it would make of them.

    with LocalVariance(authorization="Bearer demo") as variance:
        …                                # post to variance.url
        variance.wait_for_posts(1, timeout_seconds=5)
        print(variance.summary().contacts)

It shares no code with the sending side, so that a test can hold the one against the other. In the
order in which a post passes through:

    server      listens, one thread a connection
    exchange    one connection: requests in, answers out
    body        the bytes of one request, under limits
    connections where posts can go;  access  Authorization and X-Signature
    payload     bytes → messages, in each format
    intake      what is kept of a post, and what is answered to it
    answers     the script of answers, and faults;  wire  how one is sent, or broken
    message     one message, read as far as the book needs it
    book        what comes of the messages:  people, accounts (by matching), in records → summary
    store       where that is kept:  memory, or file_store (database, schema)
    page/       what a browser shows of it
"""

from .access import Credentials
from .answers import Answer, WireFault
from .connections import Connection
from .limits import Limits
from .local import LocalVariance
from .matching import Matching, Way
from .post import Headers, Post
from .summary import Account, Contact, FoundBy, Summary

__all__ = [
    "Account",
    "Answer",
    "Connection",
    "Contact",
    "Credentials",
    "FoundBy",
    "Headers",
    "Limits",
    "LocalVariance",
    "Matching",
    "Post",
    "Summary",
    "Way",
    "WireFault",
]
