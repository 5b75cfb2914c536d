//! The report as one page that needs nothing else: no script, no file beside it, no network.

use std::fmt::Write as _;

use anyhow::Result;

use super::plot;
use super::report::{Report, Row, Section, Table, Verdict, number};
use super::stats::Summary;

const STYLE: &str = include_str!("page.css");

/// # Errors
/// A plot cannot be drawn.
pub(super) fn page(report: &Report) -> Result<String> {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>libsocks: what it costs</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    page += &head(report);
    for one in &report.sections {
        page += &section(one)?;
    }
    page += "</body>\n</html>\n";
    Ok(page)
}

fn head(report: &Report) -> String {
    let mut head = String::from("<header>\n<h1>libsocks: what it costs</h1>\n<dl>\n");
    let machine = &report.machine;
    let extent = if report.quick { "quick: few rounds, so wide spreads" } else { "full" };
    let facts = [
        ("date", machine.date.clone()),
        ("version", format!("{} {}", report.version, machine.commit)),
        ("extent", extent.to_owned()),
        ("processor", format!("{} × {}", machine.processors, machine.processor)),
        ("kernel", machine.kernel.clone()),
        ("C library", machine.libc.clone()),
        ("compiler", machine.rustc.clone()),
        ("load before", number(machine.load)),
        ("again by", report.command.clone()),
    ];
    for (name, fact) in facts.iter().filter(|(_, fact)| !fact.trim().is_empty()) {
        _ = writeln!(head, "<div><dt>{name}</dt><dd>{}</dd></div>", escaped(fact));
    }
    head += "</dl>\n";
    head += &promises(report);
    head += "<nav>";
    for section in &report.sections {
        _ = write!(head, "<a href=\"#{0}\">{0}</a>", escaped(section.name));
    }
    head += "</nav>\n<p class=\"how\">Medians, with the quartiles below them. What is compared was measured in turns, round by \
             round; × is how many times the first subject, + how much more. A bar or a point is a median, a whisker goes \
             from quartile to quartile.</p>\n</header>\n";
    head
}

fn promises(report: &Report) -> String {
    let (judged, broken) = (report.judged(), report.broken());
    if broken.is_empty() {
        return format!("<p class=\"kept\">✓ {judged} promises measured, and all hold here</p>\n");
    }
    let mut list = format!("<p class=\"broken\">✗ {} of {judged} promises do not hold here</p>\n<ul>\n", broken.len());
    for one in &broken {
        _ = writeln!(list, "<li>{}</li>", escaped(one));
    }
    list + "</ul>\n"
}

fn section(section: &Section) -> Result<String> {
    let mut text = format!(
        "<section id=\"{name}\">\n<h2>{name} <small>{title}</small></h2>\n",
        name = escaped(section.name),
        title = escaped(section.title)
    );
    for one in &section.tables {
        text += &table(one);
        if let Some(svg) = plot::svg(one)? {
            _ = writeln!(text, "<figure>\n{}{svg}</figure>", legend(one));
        }
    }
    for note in &section.notes {
        // A list of calls is for those who want it.
        text += &match note.split_once(":\n") {
            Some((title, list)) if list.lines().count() > 3 => {
                format!("<details><summary>{}</summary><pre>{}</pre></details>\n", escaped(title), escaped(list))
            }
            _ => format!("<p class=\"note\">{}</p>\n", escaped(note)),
        };
    }
    Ok(text + "</section>\n")
}

/// Which line is whose; bars have the names beside them.
fn legend(table: &Table) -> String {
    let mut entries = Vec::new();
    if table.over.is_some() {
        entries.push(escaped(table.unit));
        let subjects = table.subjects.iter().zip(plot::colour_names(table));
        let entry =
            |(name, colour): (&String, String)| format!("<i style=\"background:{colour}\"></i>{}", escaped(name));
        entries.extend(subjects.map(entry));
    }
    if plot::is_logarithmic(table) {
        entries.push("a logarithmic axis".to_owned());
    }
    if entries.is_empty() {
        return String::new();
    }
    format!("<figcaption><span>{}</span></figcaption>\n", entries.join("</span><span>"))
}

fn table(table: &Table) -> String {
    let wide = table.is_wide();
    let mut text = format!(
        "<h3>{} <small>{}</small></h3>\n<div class=\"scroll\"><table{}>\n<thead><tr><th>{}</th>",
        escaped(&table.title),
        escaped(table.unit),
        if wide { " class=\"wide\"" } else { "" },
        escaped(table.over.unwrap_or_default())
    );
    let names = || table.subjects.iter().map(|name| escaped(name));
    if !wide {
        names().skip(1).for_each(|name| _ = write!(text, "<th>{name} ×</th>"));
        if has_verdicts(table) {
            text += "<th class=\"verdict\">promise</th>";
        }
        names().skip(1).for_each(|name| _ = write!(text, "<th>{name} +</th>"));
    }
    names().for_each(|name| _ = write!(text, "<th>{name}</th>"));
    text += "</tr></thead>\n<tbody>\n";
    for row in &table.rows {
        text += &if wide { wide_row(table, row) } else { narrow_row(row, has_verdicts(table)) };
    }
    text + "</tbody>\n</table></div>\n"
}

/// Ratios, the promise, what is added, values: a column each.
fn narrow_row(row: &Row, has_verdicts: bool) -> String {
    let mut text = format!("<tr><th scope=\"row\">{}</th>", escaped(&row.name));
    for ratio in &row.ratios {
        _ = write!(text, "<td class=\"ratio\">{}</td>", median(*ratio));
    }
    if let Some(verdict) = &row.verdict {
        let (class, mark) = mark(verdict);
        _ = write!(text, "<td class=\"verdict {class}\">{mark} {}</td>", escaped(&verdict.text));
    } else if has_verdicts {
        text += "<td></td>";
    }
    row.added.iter().for_each(|added| _ = write!(text, "<td>{}</td>", added.map_or_else(String::new, spread)));
    (0..row.values.len()).for_each(|at| _ = write!(text, "<td>{}</td>", row.value(at, spread)));
    text + "</tr>\n"
}

/// With many subjects, a column for each: its ratio, and its value below. The promise is below the name.
fn wide_row(table: &Table, row: &Row) -> String {
    let mut text = format!("<tr><th scope=\"row\">{}", escaped(&row.name));
    if let Some(verdict) = &row.verdict {
        let (class, mark) = mark(verdict);
        _ = write!(text, "<small class=\"{class}\">{mark} {}</small>", escaped(&verdict.text));
    }
    text += "</th>";
    for at in 0..row.values.len() {
        let compared = |list: &[Option<Summary>], sign: &str| {
            let value = at.checked_sub(1).and_then(|at| *list.get(at)?);
            value.map_or_else(String::new, |value| format!("{sign}{}", number(value.median)))
        };
        _ = write!(text, "<td><b class=\"ratio\">{}</b>", compared(&row.ratios, "×"));
        if table.tells_added {
            _ = write!(text, "<b>{}</b>", compared(&row.added, "+").replace("+-", "−"));
        }
        _ = write!(text, "<span>{}</span></td>", row.value(at, spread));
    }
    text + "</tr>\n"
}

fn median(value: Option<Summary>) -> String {
    value.map_or_else(String::new, |value| number(value.median))
}

/// A class of the style, and a sign for those who see no colours.
fn mark(verdict: &Verdict) -> (&'static str, char) {
    if verdict.kept { ("kept", '✓') } else { ("broken", '✗') }
}

fn has_verdicts(table: &Table) -> bool {
    table.rows.iter().any(|row| row.verdict.is_some())
}

fn spread(value: Summary) -> String {
    let median = number(value.median);
    if value.samples == 1 {
        return median;
    }
    format!("{median} <small>{} – {}</small>", number(value.lower_quartile), number(value.upper_quartile))
}

/// For the text of an element, and for the value of an attribute in quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn the_page_needs_nothing_but_itself() {
        let page = page(&report()).expect("a page");
        for stranger in ["<script", "<link", "<img", "@import", "url(", " src="] {
            assert!(!page.contains(stranger), "{stranger}");
        }
        // A name space is no address to fetch from.
        assert_eq!(page.matches("://").count(), page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    }

    #[test]
    fn what_was_measured_is_escaped_and_in_a_plot_too() {
        let mut report = report();
        let mut table = Table::new("<b> & \"c\"", "ns", ["one <i>", "two"]);
        table.row("a < b", &[vec![1.0, 2.0], vec![30.0, 31.0]]).expect("a row");
        report.sections[0].push(table);
        let page = page(&report).expect("a page");
        assert!(!page.contains("<b>") && !page.contains("<i>") && !page.contains("a < b"));
        assert!(page.contains("<h3>&lt;b&gt; &amp; &quot;c&quot; <small>ns</small></h3>"));
        // In the table, and beside the bars.
        assert_eq!(page.matches("a &lt; b").count(), 2);
        assert_eq!(page.matches("<svg").count(), 2);
    }

    #[test]
    fn many_subjects_have_a_column_each() {
        let mut table = Table::new("start", "ms", ["plain", "one", "two", "three"]);
        table.row("true", &[vec![1.0], vec![2.0], vec![3.0], vec![4.0]]).expect("a row");
        table.judge("one", |_| Verdict { kept: true, text: "2 at most".to_owned() });
        let text = super::table(&table);
        assert_eq!(text.matches("<td>").count(), 4);
        assert!(text.contains("<th scope=\"row\">true<small class=\"kept\">✓ 2 at most</small></th>"));
        assert!(text.contains("<td><b class=\"ratio\">×3.00</b><span>3.00</span></td>"));
    }

    #[test]
    fn a_broken_promise_stands_in_its_row_and_at_the_top() {
        let page = page(&report()).expect("a page");
        assert!(page.contains("✗ 1 of 2 promises do not hold here"));
        assert!(page.contains("<li>calls: a &quot;quoted&quot; table: dear: 200</li>"));
        assert!(page.contains("<td class=\"verdict broken\">✗ 200</td>"));
        assert!(page.contains("<td class=\"verdict kept\">✓ 3.00</td>"));
    }

    #[test]
    fn what_grows_is_drawn_as_lines_with_a_legend() {
        let mut table = Table::new("read", "ns", ["plain", "wrapped"]).over("sockets");
        for at in [1, 100, 10_000] {
            table.row_at(at, &[vec![100.0, 101.0], vec![102.0, 103.0]]).expect("a row");
        }
        let mut report = report();
        report.sections[0].push(table);
        let page = page(&report).expect("a page");
        assert_eq!(page.matches("</i>plain</span>").count(), 1);
        assert_eq!(page.matches("<circle").count(), 6);
        assert!(page.contains("<th scope=\"row\">10,000</th>"));
    }
}
