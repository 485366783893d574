# SPDX-License-Identifier: MIT
"""Parts of bench_peers."""
