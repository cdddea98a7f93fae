//! Lines on standard output, which may be a pipe that its reader has closed.

/// As `println!`, but for a reader who has seen enough nothing stops: files are still written.
macro_rules! say {
    ($($words:tt)*) => {{
        let line = format!("{}\n", format_args!($($words)*));
        let _ = ::std::io::Write::write_all(&mut ::std::io::stdout(), line.as_bytes());
    }};
}

pub(crate) use say;
