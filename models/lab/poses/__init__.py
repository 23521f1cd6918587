"""The upper-body pose network: learnt from a larger one on people grown from faces."""
