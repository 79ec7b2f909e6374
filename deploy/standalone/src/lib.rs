//! turnpike
