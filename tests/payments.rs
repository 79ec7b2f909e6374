//! The payment provider: what it is told of blocks, and what becomes of who does not pay.

mod blocks;
mod customers;
mod standings;
