//! The plain data: what is written reads back, and what is wrong is refused in words.

mod grants;
mod heads;
mod names;
