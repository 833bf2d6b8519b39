//! SVG pictures in the making.

use std::fmt::{Arguments, Write as _};

/// A picture so far, without its frame.
#[derive(Default)]
pub struct Page(String);

impl Page {
    /// Words at a place. `style` has further attributes.
    pub fn words(&mut self, x: f64, y: f64, style: &str, words: &str) {
        let words = escape(words);
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{words}</text>"
        ));
    }

    /// A bar. Who points to it sees `tip`.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, colour: &str, tip: &str) {
        let tip = escape(tip);
        self.put(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"><title>{tip}</title></rect>"
        ));
    }

    /// A line through these points.
    pub fn line(&mut self, colour: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut text = String::new();
        for (x, y) in points {
            let _ = write!(text, "{x:.1},{y:.1} ");
        }
        let points = text.trim_end();
        self.put(format_args!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        ));
    }

    /// Any element.
    pub fn put(&mut self, element: Arguments<'_>) {
        // A string takes everything.
        let _ = writeln!(self.0, "{element}");
    }

    /// The whole file.
    pub fn end(self, width: f64, height: f64) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height:.0}\" viewBox=\"0 0 {width} {height:.0}\" \
             font-family=\"'DejaVu Sans', Verdana, sans-serif\" font-size=\"12\" fill=\"#0f172a\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.0
        )
    }
}

/// Text that cannot end an element or an attribute.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
