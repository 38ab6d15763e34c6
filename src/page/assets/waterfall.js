import { useEffect, useRef, useState } from 'preact/hooks';
import { duration, ticks } from './format.js';
import { HeardList } from './heard.js';
import { html } from './html.js';
import { lookOf, Outcome } from './outcome.js';
import { TracerRows, WaitLane } from './waits.js';

/** The steps of a run along time. A row opens to what tracers heard of it; a stretch of time can be looked at closely. */
export function Waterfall({ run, age, isOpen }) {
  const whole = lengthOf(run, age, isOpen);
  // A long wait before it would leave no room for the run.
  const before = Math.min(run.waited ?? 0, whole / 3);
  const [zoom, setZoom] = useState(null);
  const [chosen, setChosen] = useState(null);
  const [from, to] = zoom ?? [-before, whole];
  const place = (seconds) => (100 * (seconds - from)) / (to - from);
  const area = useRef(null);
  const around = (factor, middle = (from + to) / 2) => {
    const half = ((to - from) * factor) / 2;
    if (half * 2 >= whole + before) return setZoom(null);
    const start = Math.min(Math.max(-before, middle - half), whole - 2 * half);
    setZoom([start, start + 2 * half]);
  };
  useEffect(() => {
    const press = ({ key, target }) => {
      if (target.matches?.('input, select, textarea')) return;
      if (key === '+' || key === '=') around(0.5);
      else if (key === '-' || key === '−') around(2);
      else if (key === '0') setZoom(null);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  });
  const rows = [
    {
      key: 'chain',
      stage: 'chain',
      name: run.chain,
      start: 0,
      duration: run.duration,
      outcome: run.outcome,
      error_type: run.error_type,
      heard: heardOf(run, null),
    },
    ...run.steps.map((step, index) => ({ ...step, key: `${index}`, heard: heardOf(run, index) })),
  ];
  const left = run.links.slice(run.steps.filter(({ stage }) => stage === 'link').length);
  return html`
    <div class="list-head"><h2 id="steps-title">Steps</h2>
      <span class="zoom" role="group" aria-label="Zoom">
        <span class="hint">drag to zoom</span>
        <button type="button" onClick=${() => around(0.5)} aria-label="Closer">+</button>
        <button type="button" onClick=${() => around(2)} aria-label="Farther" disabled=${zoom === null}>−</button>
        <button type="button" onClick=${() => setZoom(null)} disabled=${zoom === null}>all</button>
      </span>
    </div>
    <div class="waterfall">
      <${Axis} from=${from} to=${to} area=${area} onZoom=${setZoom} />
      <ol>${
        run.waited
          ? html`<li class="queue"><div class="step-row"><span class="name"><span class="stage">queue</span> before it began</span>
            <${WaitLane} waits=${[{ kind: 'wait', from: -run.waited, to: 0 }]} place=${place} />
            <span class="what">waited</span><span class="took">${duration(run.waited)}</span></div></li>`
          : null
      }${rows.map(
        (
          row,
        ) => html`<${StepRow} key=${row.key} row=${row} run=${run} age=${age} place=${place} whole=${whole} isOpen=${isOpen}
          isChosen=${chosen === row.key} choose=${() => setChosen(chosen === row.key ? null : row.key)} />`,
      )}<${TracerRows} run=${run} age=${age} place=${place} /></ol>
      ${run.heard?.length ? html`<p class="left"><i class="key-wait"></i> waits for a tracer, <i class="key-again"></i> waits for another attempt, <i class="key-call"></i> is heard</p>` : null}
      ${isOpen && left.length > 0 ? html`<p class="left">still to come: ${left.join(', ')}</p>` : null}
    </div>`;
}

/** Seconds that are drawn: up to the end, or up to now, and as long again at most where tracers hear later. */
function lengthOf(run, age, isOpen) {
  const steps = run.steps.map(({ start, duration: took }) => start + (took ?? 0));
  const own = Math.max(1e-6, isOpen ? age : (run.duration ?? 0), ...steps);
  const heard = (run.heard ?? []).map(({ at }) => (at === null ? 0 : (at - run.start) / 1e3));
  return Math.max(own, Math.min(2 * own, ...(heard.length > 0 ? [Math.max(...heard)] : [0]))) * 1.02;
}

const timeOn = (tick) => (Math.abs(tick) < 1e-9 ? '0' : `${tick < 0 ? '−' : ''}${duration(Math.abs(tick))}`);

const heardOf = ({ heard }, index) => (heard ?? []).filter(({ step }) => step === index);

/** Round times. A stretch is chosen by dragging over it. */
function Axis({ from, to, area, onZoom }) {
  const [drag, setDrag] = useState(null);
  const at = (event) => {
    const { left, width } = area.current.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  const begin = (event) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    setDrag([at(event), at(event)]);
  };
  const move = (event) => drag && setDrag([drag[0], at(event)]);
  const end = () => {
    if (drag && Math.abs(drag[1] - drag[0]) > 0.01) {
      const [first, last] = [...drag].sort((a, b) => a - b);
      onZoom([from + first * (to - from), from + last * (to - from)]);
    }
    setDrag(null);
  };
  return html`<div class="axis-row" aria-hidden="true"><span></span>
    <div class="axis-area" ref=${area} onPointerDown=${begin} onPointerMove=${move} onPointerUp=${end} onDblClick=${() => onZoom(null)}>
      ${ticks(from, to, 6).map((tick) => {
        const at = (tick - from) / (to - from);
        const side = at > 0.75 ? 'tick near-end' : 'tick';
        return html`<span key=${tick} class=${side} style=${{ left: `${100 * at}%` }}>${timeOn(tick)}</span>`;
      })}
      ${drag ? html`<span class="drag" style=${{ left: `${100 * Math.min(...drag)}%`, width: `${100 * Math.abs(drag[1] - drag[0])}%` }}></span>` : null}
    </div><span></span></div>`;
}

function StepRow({ row, run, age, place, whole, isOpen, isChosen, choose }) {
  const isGoing = row.duration === null && isOpen;
  const end = row.duration === null ? (isOpen ? age : whole / 1.02) : row.start + row.duration;
  const left = Math.max(-1, Math.min(101, place(row.start)));
  const right = Math.max(-1, Math.min(101, place(end)));
  const kind = isGoing ? 'running' : lookOf(row.outcome ?? 'unknown')[0];
  const id = `step-${row.key}`;
  return html`<li class=${`${row.stage}${isChosen ? ' chosen' : ''}`}>
    <button type="button" class="step-row" data-row aria-expanded=${isChosen} aria-controls=${id} onClick=${choose}>
      <span class="name"><span class="stage">${row.stage}</span> ${row.name}</span>
      <span class="lane" aria-hidden="true">
        <span class=${`piece ${row.stage} ${kind}`} style=${{ left: `${left}%`, width: `${Math.max(0, right - left)}%` }}></span>
        ${row.heard.map((one) => {
          const at = one.at === null ? null : place((one.at - run.start) / 1e3);
          return at === null || at < 0 || at > 100
            ? null
            : html`<i key=${one.tracer + one.event_id} class=${`ear ${lookOf(one.state)[0]}`} style=${{ left: `${at}%` }}></i>`;
        })}
      </span>
      <span class="what"><${Outcome} of=${isGoing ? 'running' : (row.outcome ?? 'unknown')} detail=${row.error_type} /></span>
      <span class="took">${duration(isGoing ? end - row.start : row.duration)}</span>
    </button>
    ${isChosen ? html`<div class="detail" id=${id}><${Detail} row=${row} run=${run} age=${age} place=${place} /></div>` : null}
  </li>`;
}

function Detail({ row, run, age, place }) {
  const facts = [
    ['began', `${duration(row.start)} after the run`],
    ...(row.vcon ? [['in', row.vcon]] : []),
    ...(row.out_vcon && row.out_vcon !== row.vcon ? [['out', row.out_vcon]] : []),
    ...(row.span_id ? [['span', row.span_id]] : []),
    ...(row.sha256 ? [['SHA-256', row.sha256]] : []),
    ...(row.inferred?.length ? [['concluded', row.inferred.join(', ')]] : []),
  ];
  return html`<dl class="facts">${facts.map(
    ([name, value]) => html`<div key=${name}><dt>${name}</dt><dd><code>${value}</code></dd></div>`,
  )}</dl>
  ${run.heard === null ? null : html`<${HeardList} heard=${row.heard} run=${run} age=${age} place=${place} />`}`;
}
