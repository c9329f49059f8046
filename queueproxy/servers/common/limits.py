"""Limits of a connection, the same under every server. Times in seconds, sizes in bytes."""

MAX_LINE = 32 * 1024  # request line
MAX_HEADERS = 64 * 1024  # request line and headers; as much again for the trailers of a body
MAX_FIELDS = 256  # headers of a request; as many again for the trailers of a body
MAX_CHUNK_LINE = 1024  # size and extensions of one chunk
MAX_EXTENSIONS = 16 * 1024  # chunk extensions of a whole body
LOOKAHEAD = 64 * 1024  # what is read of later requests while one is unanswered
UNREAD = 8 * 1024 * 1024  # of all clients together, what no application has taken yet
MAX_CONNECTIONS = 10_000  # at most; fewer where the system allows fewer open files
MAX_MESSAGE = 1024 * 1024  # of a websocket; longer ones close it (1009)
MAX_FRAGMENTS = 16 * 1024  # of a message of a websocket; more close it (1009)
MESSAGES_AHEAD = 16  # of a websocket, that wait for its application before its client must wait
SPARE_FILES = 128  # of the open files allowed, those that are not for connections

HEADERS_WITHIN = 60.0  # from the connection, or the first byte, to the end of the headers
# An idle connection must outlive the idle time of whoever pools it, or a request meets its end:
# nginx, HAProxy and AWS's balancers keep theirs for 60 s, Google's for 600 s.
KEEP_ALIVE = 620.0
LINGER = 1.0  # a refused client is read on: a reset would overtake what it is told
STALLED = 30.0  # a closing connection whose client takes nothing of its last answer is cut
TAKEN_WITHIN = 0.1  # that applications get for what waits for them, once UNREAD is passed
LOOK_EVERY = 1.0  # between looks whether a client has left, while it is not read
LAST_REQUESTS_WITHIN = 1.0  # that idle connections stay open as draining begins
ACCEPTED_WITHIN = 20.0  # that an application may think about a websocket
LEFT_WITHIN = 5.0  # that an application may go on after its websocket has closed
CLOSED_WITHIN = 10.0  # that a client may take to answer the closing of its websocket
