// The page: what becomes of a picture from the moment it is there until it has been saved. Each
// part of the screen has a module of its own; this one tells them what happens.

import {CopyPanel} from './copy_panel.js';
import {FailureView} from './failure_view.js';
import {PictureSource} from './picture_source.js';
import {RunView} from './run_view.js';
import {Settings} from './settings.js';
import {Stage} from './stage.js';
import {UpscaleError, capabilities, upscale} from './upscale_call.js';
import {bytes, failure, seconds, sentence, size} from './words.js';

const ENDINGS = {jpeg: 'jpg'};

const element = (id) => document.getElementById(id);
const main = document.querySelector('main');
const stage = new Stage(element('stage'));
const settings = new Settings(element('settings'));
const runView = new RunView(element('run'), announce);
const failureView = new FailureView(element('failure'), {onRetry: start, announce});
const copyPanel = new CopyPanel(element('commands'), {order: commandOrder, announce});

let picture = null;  // The File that was chosen, and its size where the browser knows it.
let pictureSize = null;
let running = null;  // The AbortController of the upscale on its way.
let result = null;  // Of the last upscale, with the settings that it was made with.
let wantsKey = false;

const source = new PictureSource({
  input: element('file'),
  isOpen: () => running === null,
  onPicture: takePicture,
  onRefused: (text) => failureView.show({title: 'No picture', text}),
});

function announce(text) {
  element('announcer').textContent = text;
}

/** empty, opening, chosen, running, finished or failed: what is seen, and what can be done. */
function enter(state) {
  main.dataset.state = state;
  const start = element('start');
  start.disabled = ['empty', 'opening', 'running'].includes(state);
  start.textContent = {running: 'Upscaling…', finished: 'Upscale again'}[state] ?? 'Upscale';
  element('picture-bar').hidden = state === 'empty';
  element('choose-another').disabled = state === 'running';
  element('result').hidden = state === 'running' || result === null;
  element('commands').hidden = start.disabled;
  copyPanel.clear();
}

function describePicture() {
  const facts = [bytes(picture.size)];
  if (pictureSize !== null) {
    const {width, height} = pictureSize;
    const {scale} = settings;
    facts.unshift(`${size(width, height)}, becomes ${size(scale * width, scale * height)}`);
  }
  element('picture-name').textContent = picture.name;
  element('picture-facts').textContent = facts.join(' · ');
}

async function takePicture(file) {
  picture = file;
  pictureSize = null;
  result = null;
  failureView.clear();
  describePicture();
  // Not from somebody who was about to type.
  const focused = document.activeElement;
  const idle =
    focused === document.body || focused.closest('#choose, #start, #result, #commands') !== null;
  enter('opening');
  const shown = await stage.showChosen(file);
  if (picture !== file) return;
  pictureSize = shown;
  describePicture();
  enter('chosen');
  announce(`${file.name} is ready to be upscaled`);
  if (idle) element('start').focus({preventScroll: true});
  const text = tooLarge();
  if (text !== null) fail({title: 'The picture is too large', text, param: 'image'});
}

/** Why the server would not take the picture, as far as that is known here; or null. */
function tooLarge() {
  const {max_input_pixels: pixels, max_image_bytes: largest} = settings.limits;
  if (pictureSize !== null && pictureSize.width * pictureSize.height > pixels) {
    const {width, height} = pictureSize;
    const most = pixels.toLocaleString('en');
    return `It has ${size(width, height)} pixels; this server takes at most ${most} in all.`;
  }
  if (picture.size > largest) {
    return `It has ${bytes(picture.size)}; this server takes at most ${bytes(largest)}.`;
  }
  return null;
}

function fail({title, text, retryAfter = null, param = null}) {
  enter('failed');
  failureView.show({title, text, retryAfter});
  if (param === 'image') element('choose-another').focus();
}

function failWith(error) {
  const {title, text} = failure(error);
  const {param, retryAfter} = error;
  if (error.status === 401) {
    askForKey(text);
  } else if (param !== null && settings.showError(param, text)) {
    enter('failed');
  } else {
    fail({title, text, retryAfter, param});
  }
}

function askForKey(text) {
  wantsKey = true;
  enter('failed');
  settings.askForKey();
  settings.showError('api_key', settings.apiKey === '' ? 'This server wants an API key.' : text);
}

async function start() {
  if (picture === null || running !== null || main.dataset.state === 'opening') return;
  settings.clearErrors();
  failureView.clear();
  const fields = settings.read();
  if (fields === null) return;
  running = new AbortController();
  enter('running');
  stage.showRunning();
  runView.begin();
  element('cancel').focus();
  try {
    const answer = await upscale(
      {picture, fields},
      {
        apiKey: settings.apiKey,
        signal: running.signal,
        listener: {
          onQueued: (event) => runView.queued(event),
          onProgress: (event) => runView.progress(event),
          onPreview: (blob) => stage.showPreview(blob),
        },
      },
    );
    finish(answer, fields);
  } catch (error) {
    stop(error);
  }
}

/** The upscale is over. Whether the user still was where it could be cancelled. */
function endRun() {
  const watched = element('run').contains(document.activeElement);
  running = null;
  runView.end();
  return watched;
}

function stop(error) {
  const cancelled = running?.signal.aborted ?? false;  // Null where finish() has failed.
  const watched = endRun();
  stage.showStopped();
  enter(result === null ? 'chosen' : 'finished');
  if (watched) element('start').focus();
  if (cancelled) {
    announce('Cancelled');
  } else if (error instanceof UpscaleError) {
    failWith(error);
  } else {
    fail({title: 'This page has made a mistake', text: sentence(error.message), retryAfter: 0});
    reportError(error);  // For the browser's console.
  }
}

function finish(answer, fields) {
  const watched = endRun();
  // The seed as it was typed: a number of JavaScript does not hold all of them.
  const seed = fields.seed ?? String(answer.seed);
  result = {...answer, seed, fields: {...fields, seed}};
  enter('finished');
  const download = element('download');
  download.href = stage.showResult(answer.blob);
  download.download = outputName({...fields, output_format: answer.output_format});
  element('result-facts').textContent = [
    size(answer.width, answer.height),
    bytes(answer.blob.size),
    ...(answer.timings ? [seconds(answer.timings.total)] : []),
  ].join(' · ');
  element('result-seed').textContent = seed;
  element('use-seed').hidden = fields.seed !== undefined;
  element('warnings').textContent = (answer.warnings ?? []).map((text) => sentence(text)).join(' ');
  showZoom('fit');
  announce(`Done: ${size(answer.width, answer.height)}`);
  if (watched) stage.comparison.focus();
}

function outputName({scale, output_format: format}) {
  const dot = picture.name.lastIndexOf('.');
  const stem = dot > 0 ? picture.name.slice(0, dot) : picture.name;
  return `${stem}-${scale}x.${ENDINGS[format] ?? format}`;
}

/** What a command shall do: what was done, or what would be. */
function commandOrder() {
  const fields = result === null ? settings.fields : result.fields;
  return {
    origin: location.origin,
    fields,
    input: picture.name,
    output: outputName(fields),
    wantsKey,
  };
}

function showZoom(zoom, at) {
  stage.comparison.setZoom(zoom, at);
  element('zoom-fit').setAttribute('aria-pressed', String(zoom === 'fit'));
  element('zoom-full').setAttribute('aria-pressed', String(zoom === 'full'));
}

async function adapt() {
  const server = await capabilities(settings.apiKey);
  if (server.wantsKey) {
    wantsKey = true;
    settings.askForKey();
    return;
  }
  settings.adapt(server);
  const devices = (server.devices ?? []).map((device) => device.name ?? device);
  element('server-facts').textContent = [server.model?.name, devices.join(', ')]
    .filter(Boolean)
    .join(' · ');
}

element('choose').addEventListener('click', () => source.choose());
element('choose-another').addEventListener('click', () => source.choose());
element('cancel').addEventListener('click', () => running?.abort());
element('use-seed').addEventListener('click', () => {
  settings.seed = result.seed;
  element('use-seed').hidden = true;
  announce('The seed is set');
});
element('api-key').addEventListener('change', adapt);
element('settings').addEventListener('input', () => {
  copyPanel.clear();
  if (picture !== null) describePicture();
});
element('settings').addEventListener('submit', (event) => {
  event.preventDefault();
  start();
});
element('zoom-fit').addEventListener('click', () => showZoom('fit'));
element('zoom-full').addEventListener('click', () => showZoom('full'));
element('comparison').addEventListener('dblclick', (event) => {
  const at = stage.comparison.pointUnder(event);
  showZoom(stage.comparison.zoom === 'fit' ? 'full' : 'fit', at);
});

enter('empty');
adapt();
