/** Charts: small lines in tiles, and time series on uPlot in the colours of the theme. */

import { shown as theme } from "../shell/theme.js";
import { html, useEffect, useRef, useState } from "../shell/preact.js";
import { S } from "../strings.js";
import uPlot from "../vendor/uPlot.esm.js";
import { exact, hour } from "./time.js";

const tokens = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A line without axes; `values` may have gaps (null). `colour` is the name of a token. */
export function Spark({ values, colour = "accent", height = 36 }) {
  const known = values.filter((one) => one !== null && one !== undefined);
  if (known.length < 2) return html`<svg class="spark" height=${height} aria-hidden="true"></svg>`;
  const top = Math.max(...known);
  const bottom = Math.min(0, ...known);
  const x = (n) => ((n / (values.length - 1)) * 200).toFixed(1);
  const y = (v) => (top === bottom ? height - 2 : height - 2 - ((v - bottom) / (top - bottom)) * (height - 5)).toFixed(1);
  const runs = [];
  values.forEach((v, n) => {
    if (v === null || v === undefined) runs.push([]);
    else (runs.at(-1) ?? runs[runs.push([]) - 1]).push([n, v]);
  });
  const line = (run) => run.map(([n, v], at) => `${at ? "L" : "M"}${x(n)} ${y(v)}`).join("");
  return html`<svg class=${`spark k-${colour}`} height=${height} viewBox=${`0 0 200 ${height}`} preserveAspectRatio="none" aria-hidden="true">
    ${runs.filter((run) => run.length).map((run, n) => html`<g key=${n}>
      <path class="area" d=${`${line(run)}L${x(run.at(-1)[0])} ${height}L${x(run[0][0])} ${height}Z`} />
      <path class="line" d=${line(run)} vector-effect="non-scaling-stroke" /></g>`)}
  </svg>`;
}

function hatched(colour) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.beginPath();
  for (const at of [-8, 0, 8]) {
    pen.moveTo(at, 8);
    pen.lineTo(at + 8, 0);
  }
  pen.stroke();
  return (plot) => plot.ctx.createPattern(tile, "repeat");
}

/** Sum each series onto those before it; the topmost is drawn first. */
function stack(series) {
  const sums = [];
  return series.map((one) =>
    one.values.map((v, n) => {
      sums[n] = (sums[n] ?? 0) + (v ?? 0);
      return v === null || v === undefined ? null : sums[n];
    }));
}

function options({ series, stacked, height, format, onPoint }) {
  const axis = { stroke: tokens("ink-3"), grid: { stroke: tokens("line"), width: 1 }, ticks: { show: false }, font: `12px ${tokens("font")}` };
  return {
    width: 600, height, legend: { show: false }, padding: [8, 4, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false } },
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.08 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, values: (_, at) => at.map((one) => hour(one * 1000)), size: 26, space: 70 },
      { ...axis, values: (_, at) => at.map((one) => format(one)), size: 58, space: 36 },
    ],
    series: [{}, ...series.map((one) => {
      const colour = tokens(one.colour);
      return {
        label: one.label, stroke: colour, width: stacked ? 0 : 1.6, points: { show: false }, spanGaps: false,
        fill: stacked ? (one.hatched ? hatched(colour) : colour) : one.fill ? `${colour}22` : undefined,
      };
    })],
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)] },
  };
}

/**
 * A time series. `times`: RFC 3339 or ms; `series`: [{label, values, colour, hatched, fill}];
 * `stacked` sums them from the first upwards. Under the pointer its values are told in words.
 */
export function Chart({ times, series, stacked = false, height = 210, format = String, label }) {
  const box = useRef(null);
  const [point, setPoint] = useState(null);
  const name = theme.value;
  useEffect(() => {
    const x = times.map((at) => new Date(at).getTime() / 1000);
    const values = stacked ? stack(series).reverse() : series.map((one) => one.values);
    const drawn = stacked ? [...series].reverse() : series;
    const plot = new uPlot(options({ series: drawn, stacked, height, format, onPoint: setPoint }), [x, ...values], box.current);
    const fit = () => plot.setSize({ width: Math.max(200, box.current?.clientWidth ?? 600), height });
    fit();
    const watch = new ResizeObserver(fit);
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [times, series, stacked, height, name]);
  const at = point === null ? null : times[point];
  return html`<figure class="chart">
    <figcaption>
      ${series.map((one) => html`<span key=${one.label} class="legend"><i class=${`b-${one.colour}${one.hatched ? " hatched" : ""}`} aria-hidden="true"></i>${one.label}
        ${point !== null && html` <b class="num">${one.values[point] === null || one.values[point] === undefined ? "–" : format(one.values[point])}</b>`}</span>`)}
      <span class="right faint num">${at ? exact(at) : ""}</span>
    </figcaption>
    <div ref=${box} class="plot" role="img" aria-label=${label ?? S.chart.of(series.map((one) => one.label).join(", "))}></div>
  </figure>`;
}
