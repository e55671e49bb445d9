"use strict";
// Draws a panel: its series as lines over time. No library is needed for lines.

const SVG = "http://www.w3.org/2000/svg";

// shape makes an element of SVG.
function shape(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// tag makes an element of HTML.
function tag(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

// number writes a value with its unit, short enough for an axis.
function number(value, unit) {
  if (value === null || value === undefined) return "–";
  const steps = unit === "bytes" || unit === "bytes per second"
    ? [[2 ** 40, " TiB"], [2 ** 30, " GiB"], [2 ** 20, " MiB"], [2 ** 10, " KiB"], [1, " B"]]
    : [[1e9, " G"], [1e6, " M"], [1e4, " k"], [1, ""]];
  let text;
  if (unit === "seconds") {
    text = value < 1 ? digits(value * 1000) + " ms" : digits(value) + " s";
  } else {
    let [size, name] = steps.find(([size]) => Math.abs(value) >= size) || [1, ""];
    if (size === 1e4) size = 1e3;
    text = digits(value / size) + name;
  }
  return unit === "per second" || unit === "bytes per second" ? text + "/s" : text;
}

function digits(value) {
  if (value === 0) return "0";
  const places = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return String(Number(value.toFixed(places)));
}

// ceiling is a round number of a unit that is not less than a value.
function ceiling(value, unit) {
  if (!(value > 0)) return 1;
  if (unit.startsWith("bytes") && value >= 1024) {
    const size = 1024 ** Math.floor(Math.log2(value) / 10);
    return ceiling(value / size, "") * size;
  }
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map(step => step * power).find(round => round >= value * 0.999);
}

function clock(seconds, long) {
  const options = long ? { weekday: "short", hour: "2-digit", minute: "2-digit" } : { hour: "2-digit", minute: "2-digit" };
  return new Date(seconds * 1000).toLocaleTimeString([], options);
}

// drawPlot draws a plot into its panel.
function drawPlot(panel, definition, plot, time) {
  const svg = panel.querySelector("svg"), legend = panel.querySelector("ul"), error = panel.querySelector(".error");
  error.textContent = plot.error || "";
  const box = svg.getBoundingClientRect(), width = box.width || 400, height = box.height || 170;
  const left = 66, right = 8, above = 8, below = 20, inside = width - left - right, tall = height - above - below;
  let most = 0;
  for (const line of plot.series) for (const value of line.values) if (value > most) most = value;
  const unit = definition.unit, limit = ceiling(most, unit);
  const x = i => left + inside * i / Math.max(1, time.count - 1), y = value => above + tall * (1 - value / limit);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  for (const part of [0, 0.5, 1]) {
    svg.append(shape("line", { class: "axis", x1: left, x2: width - right, y1: y(limit * part), y2: y(limit * part) }));
    svg.append(shape("text", { x: left - 6, y: y(limit * part) + 4, "text-anchor": "end" }, number(limit * part, unit)));
  }
  const long = time.count * time.step > 20 * 3600;
  for (const [part, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    const at = Math.round((time.count - 1) * part);
    svg.append(shape("text", { x: x(at), y: height - 5, "text-anchor": anchor }, clock(time.from + at * time.step, long)));
  }
  plot.series.forEach((line, i) => {
    let path = "", pen = "M";
    line.values.forEach((value, at) => {
      if (value === null) { pen = "M"; return; }
      const alone = pen === "M" && (line.values[at + 1] === null || line.values[at + 1] === undefined);
      path += `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}` + (alone ? "h1" : "");
      pen = "L";
    });
    svg.append(shape("path", { class: `series c${i % 7}`, d: path }));
  });
  const show = at => {
    legend.replaceChildren(...plot.series.map((line, i) => {
      const value = at === null ? line.values.findLast(value => value !== null) : line.values[at];
      return tag("li", `c${i % 7}`, tag("i"), tag("span", "", line.name + " "), tag("b", "", number(value, unit)));
    }));
  };
  show(null);
  svg.onpointermove = event => {
    const at = Math.round((event.clientX - svg.getBoundingClientRect().left - left) / inside * (time.count - 1));
    if (at < 0 || at >= time.count) return svg.onpointerleave();
    svg.querySelector(".cursor")?.remove();
    svg.append(shape("line", { class: "cursor", x1: x(at), x2: x(at), y1: above, y2: above + tall }));
    show(at);
  };
  svg.onpointerleave = () => { svg.querySelector(".cursor")?.remove(); show(null); };
}
