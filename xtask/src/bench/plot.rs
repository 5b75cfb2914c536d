//! Plots of the tables as SVG: bars side by side, or lines over what grows.
//!
//! Text and grid have colours that the page replaces where it is dark; those of the subjects do for both.

use std::fmt::Display;
use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::report::{Row, Table, grouped, number};
use super::stats::Summary;
use super::wrapper;

/// Of the first subject, which is what the others are compared with, and of libsocks wherever it stands.
const FIRST: RGBColor = RGBColor(0x8b, 0x94, 0xa3);
const OURS: RGBColor = RGBColor(0x3b, 0x82, 0xf6);
/// Of all others in their order.
const COLOURS: [RGBColor; 9] = [
    RGBColor(0xe8, 0x86, 0x2e),
    RGBColor(0x22, 0xa0, 0x6b),
    RGBColor(0x9b, 0x6d, 0xd7),
    RGBColor(0xe0, 0x52, 0x52),
    RGBColor(0x1a, 0xa5, 0xb8),
    RGBColor(0xb0, 0x89, 0x68),
    RGBColor(0xd4, 0x5d, 0x9f),
    RGBColor(0x94, 0xa3, 0x2d),
    RGBColor(0x5f, 0x6f, 0xc4),
];
const TEXT: RGBColor = BLACK;
/// Half-way between white and black, so that it is seen on both.
const GRID: RGBColor = RGBColor(0x80, 0x80, 0x80);

/// As plotters counts; 12 pixels on the page.
const FONT: f64 = 14.9;
/// No font is measured here: what a letter takes at most, on an average.
const LETTER: f64 = 7.2;
const WIDTH: u32 = 1016;
const AXIS: u32 = 24;
/// A bar, and what is between those of two rows.
const BAR: u32 = 16;
const GAP: u32 = 9;
/// For the value behind the longest bar.
const AFTER: u32 = 64;
const LINES: u32 = 270;

/// An axis is logarithmic where the largest value on it is so many times the smallest.
const WIDE: f64 = 20.0;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What a plot of this table looks like; none where there is no row.
///
/// # Errors
/// It cannot be drawn.
pub(super) fn svg(table: &Table) -> Result<Option<String>> {
    if table.rows.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    let axis = Axis::of(table);
    match table.over {
        Some(over) => {
            let area = area(&mut text, LINES);
            match axis {
                Axis::Linear(range) => lines(&area, table, over, range)?,
                Axis::Logarithmic(range) => lines(&area, table, over, range.log_scale())?,
            }
        }
        None => {
            let area = area(&mut text, height(table) + AXIS);
            match axis {
                Axis::Linear(range) => bars(&area, table, range)?,
                Axis::Logarithmic(range) => bars(&area, table, range.log_scale())?,
            }
        }
    }
    Ok(Some(text))
}

/// The colour of each subject.
fn colours(table: &Table) -> Vec<RGBColor> {
    let mut others = COLOURS.into_iter().cycle();
    let colour = |(at, name): (usize, &String)| match (at, name.as_str()) {
        (0, _) => FIRST,
        (_, wrapper::OURS) => OURS,
        _ => others.next().unwrap_or(FIRST),
    };
    table.subjects.iter().enumerate().map(colour).collect()
}

/// The same, as a page names them.
pub(super) fn colour_names(table: &Table) -> Vec<String> {
    let name = |RGBColor(red, green, blue)| format!("#{red:02X}{green:02X}{blue:02X}");
    colours(table).into_iter().map(name).collect()
}

/// Whether the axis of its values is logarithmic.
pub(super) fn is_logarithmic(table: &Table) -> bool {
    matches!(Axis::of(table), Axis::Logarithmic(_))
}

enum Axis {
    Linear(Range<f64>),
    Logarithmic(Range<f64>),
}

impl Axis {
    fn of(table: &Table) -> Self {
        let all = || table.rows.iter().flat_map(|row| row.values.iter().flatten());
        let most = all().map(|value| value.upper_quartile).fold(0.0, f64::max);
        let least = all().map(|value| value.lower_quartile).filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        if least.is_finite() && most > WIDE * least {
            // From a power of ten on, so that the smallest has a bar too.
            let start = 10_f64.powf((least / 1.2).log10().floor());
            return Self::Logarithmic(start..most * 1.1);
        }
        Self::Linear(0.0..if most > 0.0 { most * 1.05 } else { 1.0 })
    }
}

fn area(text: &mut String, height: u32) -> Area<'_> {
    SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area()
}

fn height(table: &Table) -> u32 {
    let rows = table.rows.len() as u32;
    rows * (BAR * table.subjects.len() as u32 + GAP)
}

/// One bar a subject, row by row: the median, and a whisker from quartile to quartile.
fn bars<X>(area: &Area<'_>, table: &Table, axis: impl AsRangedCoord<CoordDescType = X, Value = f64>) -> Result<()>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let longest = |names: &mut dyn Iterator<Item = &String>| {
        names.map(|name| (name.chars().count() as f64 * LETTER) as i32).max().unwrap_or(0)
    };
    let rows_end = longest(&mut table.rows.iter().map(|row| &row.name));
    let subjects_end = rows_end + 16 + longest(&mut table.subjects.iter());
    let height = f64::from(height(table));
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, subjects_end + 8)
        .set_label_area_size(LabelAreaPosition::Bottom, AXIS)
        .margin_right(AFTER)
        // Downwards, in pixels.
        .build_cartesian_2d(axis, -height..0.0)
        .map_err(drawing)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .x_labels(7)
        .x_label_formatter(&|value| tick(*value))
        .x_label_style(text(TEXT, HPos::Center))
        .axis_style(GRID.mix(0.5))
        .bold_line_style(GRID.mix(0.25))
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(drawing)?;

    let (start, colours) = (chart.x_range().start, colours(table));
    let mut top = f64::from(GAP) / 2.0;
    for row in &table.rows {
        for (subject, name) in table.subjects.iter().enumerate() {
            let (from, to) = (-top - 2.0, -top - f64::from(BAR) + 2.0);
            let (middle, colour) = ((from + to) / 2.0, colours[subject]);
            let mut end = chart.backend_coord(&(start, middle));
            if let Some(value) = &row.values[subject] {
                let bar = [(start, from), (value.median.max(start), to)];
                chart.draw_series([Rectangle::new(bar, colour.mix(0.85).filled())]).map_err(drawing)?;
                chart.draw_series(whisker(value, start, |at| (at, middle))).map_err(drawing)?;
                end = chart.backend_coord(&(value.median.max(value.upper_quartile).max(start), middle));
            }
            let says = row.value(subject, |value| number(value.median));
            area.draw_text(&says, &text(TEXT, HPos::Left), (end.0 + 6, end.1)).map_err(drawing)?;
            area.draw_text(name, &text(GRID, HPos::Right), (subjects_end, end.1)).map_err(drawing)?;
            if subject == 0 {
                area.draw_text(&row.name, &text(TEXT, HPos::Left), (0, end.1)).map_err(drawing)?;
            }
            top += f64::from(BAR);
        }
        top += f64::from(GAP);
    }
    drop(chart);
    area.present().map_err(drawing)
}

/// One line a subject over what grows, logarithmic: medians, and whiskers from quartile to quartile.
fn lines<Y>(
    area: &Area<'_>,
    table: &Table,
    over: &str,
    axis: impl AsRangedCoord<CoordDescType = Y, Value = f64>,
) -> Result<()>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let at = |row: &Row| row.at.map(|at| at.max(1) as f64);
    let (first, last) = table
        .rows
        .iter()
        .filter_map(at)
        .fold((f64::INFINITY, 1.0), |(first, last), at| (f64::min(first, at), f64::max(last, at)));
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, 72)
        .set_label_area_size(LabelAreaPosition::Bottom, 2 * AXIS)
        .margin_right(24)
        .margin_top(10)
        .build_cartesian_2d((first.min(last) / 1.3..last * 1.3).log_scale(), axis)
        .map_err(drawing)?;
    chart
        .configure_mesh()
        .x_desc(over)
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| tick(*value))
        .label_style(text(TEXT, HPos::Center))
        .axis_desc_style(text(GRID, HPos::Center))
        .axis_style(GRID.mix(0.5))
        .bold_line_style(GRID.mix(0.25))
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(drawing)?;

    let floor = chart.y_range().start;
    for (subject, colour) in colours(table).into_iter().enumerate() {
        // Beside each other where they are the same.
        let aside = 1.0 + 0.02 * subject as f64;
        let points: Vec<(f64, &Summary)> =
            table.rows.iter().filter_map(|row| Some((at(row)? * aside, row.values.get(subject)?.as_ref()?))).collect();
        let line: Vec<(f64, f64)> = points.iter().map(|(at, value)| (*at, value.median.max(floor))).collect();
        chart.draw_series([PathElement::new(line.clone(), colour.stroke_width(2))]).map_err(drawing)?;
        for (at, value) in &points {
            chart.draw_series(whisker(value, floor, |value| (*at, value))).map_err(drawing)?;
        }
        chart.draw_series(line.iter().map(|point| Circle::new(*point, 3, colour.filled()))).map_err(drawing)?;
    }
    drop(chart);
    area.present().map_err(drawing)
}

/// A number on an axis: no digits that say nothing.
fn tick(value: f64) -> String {
    if value >= 1000.0 {
        return grouped(value.round() as usize);
    }
    let digits = number(value);
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').to_owned() } else { digits }
}

/// From quartile to quartile, if there are any.
fn whisker(value: &Summary, least: f64, at: impl Fn(f64) -> (f64, f64)) -> Option<PathElement<(f64, f64)>> {
    let ends = [value.lower_quartile, value.upper_quartile].map(|end| at(end.max(least)));
    (value.samples > 1).then(|| PathElement::new(ends, GRID.stroke_width(2)))
}

fn text(colour: RGBColor, across: HPos) -> TextStyle<'static> {
    let color = colour.to_backend_color();
    TextStyle { font: ("sans-serif", FONT).into_font(), color, pos: Pos::new(across, VPos::Center) }
}

/// Its error has lifetimes and types of its own.
fn drawing(error: impl Display) -> anyhow::Error {
    anyhow!("drawing a plot: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: [f64; 2]) -> String {
        let mut table = Table::new("table", "ns", ["one", "two"]);
        table.row("row", &values.map(|value| vec![value, value])).expect("a row");
        svg(&table).expect("drawn").expect("a row")
    }

    /// Where bars of the first or the second begin, and how long they are.
    fn bars_of(svg: &str, subject: usize) -> Vec<(f64, f64)> {
        let number = |line: &str, name: &str| {
            let value = line.split_once(&format!(" {name}=\""))?.1.split('"').next()?;
            value.parse().ok()
        };
        let colours = colour_names(&Table::new("table", "ns", ["one", "two"]));
        svg.lines()
            .filter(|line| line.starts_with("<rect") && line.contains(&colours[subject]))
            .filter_map(|line| Some((number(line, "x")?, number(line, "width")?)))
            .collect()
    }

    #[test]
    fn a_bar_is_as_long_as_its_median() {
        let svg = drawn([100.0, 200.0]);
        let (one, two) = (bars_of(&svg, 0), bars_of(&svg, 1));
        assert_eq!((one.len(), two.len()), (1, 1), "{svg}");
        assert_eq!(one[0].0, two[0].0);
        assert!((two[0].1 / one[0].1 - 2.0).abs() < 0.02, "{} and {}", one[0].1, two[0].1);
    }

    #[test]
    fn libsocks_has_its_colour_wherever_it_stands() {
        let of = |subjects: &[&str]| colours(&Table::new("table", "ns", subjects.iter().copied()));
        let colours = of(&["direct", "direct again", wrapper::OURS, "other"]);
        assert_eq!(colours, [FIRST, COLOURS[0], OURS, COLOURS[1]]);
        assert_eq!(of(&["direct", wrapper::OURS])[1], OURS);
    }

    #[test]
    fn what_differs_much_is_on_a_logarithmic_axis() {
        let svg = drawn([10.0, 1000.0]);
        let (one, two) = (bars_of(&svg, 0)[0].1, bars_of(&svg, 1)[0].1);
        assert!(one > 0.0 && two / one < 4.0, "{one} and {two}");
    }

    #[test]
    fn nothing_is_no_bar_and_no_failure() {
        let svg = drawn([0.0, 0.0]);
        assert!(bars_of(&svg, 0).iter().all(|(_, length)| *length == 0.0), "{svg}");
        let svg = drawn([0.0, 500.0]);
        assert!(bars_of(&svg, 1)[0].1 > 100.0, "{svg}");
        assert_eq!(svg_of_no_rows(), None);
    }

    fn svg_of_no_rows() -> Option<String> {
        svg(&Table::new("table", "ns", ["one"])).expect("nothing to draw")
    }

    #[test]
    fn an_axis_has_no_digits_that_say_nothing() {
        assert_eq!([0.0, 0.25, 50.0, 12.5, 10_000.0].map(tick), ["0", "0.25", "50", "12.5", "10,000"]);
    }
}
