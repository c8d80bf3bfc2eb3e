"""The resource's contract: pydantic models of spec and status, and the CRD made from them."""
