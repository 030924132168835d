"""What holds for all tests."""

import os

# before NumPy loads, as the command line does it: small products are slower on several threads, and much slower on a busy machine
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
