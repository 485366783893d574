# SPDX-License-Identifier: MIT
"""What the system tests stand on: networks, traffic, the recorder, and other programs' readers."""
