//! A progress bar and a log of validation losses.

use std::ops::ControlFlow;
use std::time::Instant;

use deepcompose::models::training::TrainEvent;
use indicatif::{ProgressBar, ProgressStyle};

/// An observer that draws a bar and prints every validation as a line of its own.
pub(crate) fn observer(
    steps: usize,
    from: usize,
    unit: &'static str,
) -> impl FnMut(TrainEvent) -> ControlFlow<()> {
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed}<{eta} {msg}") {
        bar.set_style(style);
    }
    bar.set_position(from as u64);
    bar.reset_eta();
    let begun = Instant::now();
    let mut smooth: Option<f64> = None;
    move |event| {
        match event {
            TrainEvent::Step { loss, learning_rate, .. } => {
                let mean = smooth.map_or(loss, |s| 0.98 * s + 0.02 * loss);
                smooth = Some(mean);
                bar.set_message(format!("loss {mean:.4} lr {learning_rate:.1e}"));
                bar.inc(1);
            }
            TrainEvent::Validation { step, loss, best } => {
                let train = smooth.unwrap_or(f64::NAN);
                let mark = if best { " best" } else { "" };
                let seconds = begun.elapsed().as_secs();
                let line =
                    format!("step {step}: train {train:.4}, valid {loss:.4} {unit}{mark}, {seconds} s");
                if bar.is_hidden() { println!("{line}") } else { bar.println(line) }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
