//! Quirks that data cannot say, a file each.

pub mod s3;
