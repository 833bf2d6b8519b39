fn svg() {}
