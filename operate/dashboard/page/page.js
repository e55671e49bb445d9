"use strict";
// The page: asks the server every few seconds, and shows what it answers.

const every = 5000, byId = id => document.getElementById(id);
let dashboards = [], current = "overview", problems = 0, firing = [], trouble = {};

async function ask(path) {
  const response = await fetch("api/" + path);
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

// summary says in a sentence how the stack is.
function summary() {
  const element = byId("summary"), errors = Object.values(trouble).filter(Boolean);
  const critical = firing.filter(alert => alert.severity === "critical").length;
  const parts = [];
  if (firing.length) parts.push(`${firing.length} ${firing.length === 1 ? "alert fires" : "alerts fire"}` +
    (critical ? `, ${critical} critical` : ""));
  if (problems) parts.push(`${problems} ${problems === 1 ? "thing is" : "things are"} wrong`);
  parts.push(...errors);
  element.textContent = parts.length ? parts.join("; ") : "Nothing is wrong, and no alert fires.";
  element.className = parts.length ? "bad" : "good";
  document.title = (firing.length ? `(${firing.length}) ` : "") + "Warren " + byId("stack").textContent;
}

function showAlerts(alerts) {
  firing = alerts.filter(alert => alert.state === "firing");
  const open = new Set([...document.querySelectorAll("#alerts details[open]")].map(element => element.dataset.key));
  byId("alerts").replaceChildren(...alerts.map(alert => {
    const key = alert.name + JSON.stringify(alert.labels), details = tag("details");
    details.dataset.key = key;
    details.open = open.has(key);
    const since = Math.max(0, Math.round((Date.now() - new Date(alert.since)) / 1000));
    details.append(
      tag("summary", "", tag("b", "", alert.name), alert.summary + " ",
        tag("span", "tag", `${alert.severity}, ${alert.state} for ${since < 120 ? since + " s" : Math.round(since / 60) + " min"}`)),
      tag("p", "", alert.means), tag("pre", "", (alert.fix || []).join("\n")));
    return tag("div", `alert ${alert.severity} ${alert.state}`, details);
  }));
}

// showPicture draws load balancers above nodes, hosts around them, and who reaches whom.
function showPicture(picture) {
  problems = picture.problems.length;
  const narrow = byId("picture").clientWidth < 600, wide = narrow ? 124 : 190, gap = narrow ? 6 : 30, pad = narrow ? 8 : 12;
  const load = node => narrow ? `${node.leaders} led · ${node.connections} clients` : `leads ${node.leaders} · ${node.connections} connections`;
  const nodes = picture.nodes, balancers = picture.balancers;
  const columns = Math.max(nodes.length, balancers.length), width = columns * (wide + gap) + gap;
  const nodeY = 150, height = 262;
  const place = (i, n) => gap + (width - gap - n * (wide + gap)) / 2 + i * (wide + gap);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Load balancers and nodes" });
  const middle = i => place(i, nodes.length) + wide / 2;
  balancers.forEach((balancer, b) => {
    const from = place(b, balancers.length) + wide / 2;
    nodes.forEach((node, n) => {
      const used = balancer.servers.includes(node.name);
      svg.append(shape("path", { class: "way" + (used && balancer.good ? "" : " bad"),
        d: `M${from} 66 C${from} 110 ${middle(n)} 105 ${middle(n)} ${nodeY}` }));
    });
  });
  nodes.forEach((one, i) => nodes.forEach((other, j) => {
    if (j <= i) return;
    const sees = one.peers.includes(other.name) && other.peers.includes(one.name), depth = height - 16 + 14 * Math.min(1, j - i - 1);
    svg.append(shape("path", { class: "peer" + (sees ? "" : " bad"),
      d: `M${middle(i)} 236 C${middle(i)} ${depth} ${middle(j)} ${depth} ${middle(j)} 236` }));
  }));
  balancers.forEach((balancer, i) => {
    const left = place(i, balancers.length);
    svg.append(shape("rect", { class: "box " + (balancer.good ? "good" : "bad"), x: left, y: 12, width: wide, height: 54, rx: 8 }),
      shape("text", { x: left + pad, y: 34 }, balancer.name),
      shape("text", { class: "small", x: left + pad, y: 54 },
        (balancer.good ? `${balancer.servers.length} of ${nodes.length} nodes` : balancer.state) + (balancer.host ? " · " + balancer.host : "")));
  });
  nodes.forEach((node, i) => {
    const left = place(i, nodes.length);
    svg.append(shape("rect", { class: "box " + (node.good ? "good" : "bad"), x: left, y: nodeY, width: wide, height: 86, rx: 8 }),
      shape("text", { x: left + pad, y: nodeY + 22 }, node.name + (node.host ? " · " + node.host : "")),
      shape("text", { class: "small", x: left + pad, y: nodeY + 41 }, node.state),
      shape("text", { class: "small", x: left + pad, y: nodeY + 58 }, node.good ? load(node) : ""),
      shape("rect", { class: "bar", x: left + pad, y: nodeY + 69, width: wide - 2 * pad, height: 6, rx: 3 }),
      shape("rect", { class: "fill", x: left + pad, y: nodeY + 69, width: (wide - 2 * pad) * Math.min(1, node.memory), height: 6, rx: 3 }));
  });
  const list = tag("ul", "", ...picture.problems.slice(0, 8).map(text => tag("li", "", text)));
  byId("picture").replaceChildren(svg, ...(picture.problems.length ? [list] : []));
}

function showTabs() {
  byId("tabs").replaceChildren(...dashboards.map(dashboard => {
    const button = tag("button", "", dashboard.title);
    button.type = "button";
    button.setAttribute("aria-pressed", dashboard.name === current);
    button.onclick = () => { location.hash = dashboard.name; };
    return button;
  }));
  const panels = dashboards.find(dashboard => dashboard.name === current).panels;
  byId("plots").replaceChildren(...panels.map(panel => tag("article", "panel",
    tag("h2", "", panel.title), tag("p", "", panel.help), shape("svg", { role: "img", "aria-label": panel.title }),
    tag("ul", "legend"), tag("div", "error"))));
}

async function showPlots() {
  const wanted = current, answer = await ask(`series?dashboard=${wanted}&minutes=${byId("range").value}`);
  if (wanted !== current) return;
  const panels = dashboards.find(dashboard => dashboard.name === current).panels;
  [...byId("plots").children].forEach((element, i) => drawPlot(element, panels[i], answer.plots[i], answer));
}

// part does one part of an update; what fails is said, and the others go on.
async function part(name, work) {
  try {
    await work();
    trouble[name] = "";
  } catch (error) {
    trouble[name] = `${name}: ${error.message}`;
  }
  summary();
}

function choose() {
  const wanted = location.hash.slice(1);
  current = dashboards.some(dashboard => dashboard.name === wanted) ? wanted : dashboards[0].name;
  showTabs();
  part("plots", showPlots);
}

async function update() {
  if (!document.hidden) {
    await Promise.all([
      part("alerts", async () => showAlerts(await ask("alerts"))),
      part("cluster", async () => showPicture(await ask("picture"))),
      part("plots", showPlots),
    ]);
    document.body.dataset.updates = Number(document.body.dataset.updates || 0) + 1;
  }
  setTimeout(update, every);
}

part("page", async () => {
  const answer = await ask("dashboards");
  dashboards = answer.dashboards;
  byId("stack").textContent = answer.stack;
  addEventListener("hashchange", choose);
  byId("range").onchange = () => part("plots", showPlots);
  choose();
  update();
});
