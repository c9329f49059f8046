"""The queue's cache by TLS, as managed services want it: copy it into your settings."""

import os

CACHES = {
    "queueproxy": {
        "BACKEND": "django_redis.cache.RedisCache",
        # rediss, with two s. Managed services name host, port, user and password.
        "LOCATION": os.environ.get("QUEUE_URL", "rediss://user:password@queue.example.com:6380/0"),
        "OPTIONS": {
            "CONNECTION_POOL_KWARGS": {
                # Leave it out where the certificate is signed by a public authority.
                "ssl_ca_certs": os.environ.get("QUEUE_CA", "/etc/ssl/certs/queue-ca.pem"),
            },
        },
    },
}
