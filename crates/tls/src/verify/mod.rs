//! Whether a server is who it has to be.
