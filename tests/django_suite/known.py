"""New failures under the swap that are understood: test id -> why."""

_BLOCKS = "a file is read 64 KiB at a time, not 4 KiB; the bytes are the same"

KNOWN: dict[str, str] = {
    "test_chunked (view_tests.tests.test_static.StaticHelperTest.test_chunked)": _BLOCKS,
    "test_chunked (view_tests.tests.test_static.StaticTests.test_chunked)": _BLOCKS,
    "test_request_signals_streaming_response "
    "(handlers.tests.SignalsTests.test_request_signals_streaming_response)": (
        "the test wants request_finished to wait for its own reading of the stream; here the "
        "stream has been read and sent before"
    ),
}
