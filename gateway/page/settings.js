// The form with the settings: what is sent of it, what is wrong with it, and where that is said.

import {labelOf} from './words.js';

const LARGEST_SEED = 2n ** 64n - 1n;

// What the service allows where it does not say so itself.
const USUAL_LIMITS = {max_guidance_scale: 50, max_num_inference_steps: 200};

/** The settings in `form`, whose controls have the service's names. */
export class Settings {
  #form;
  #limits = USUAL_LIMITS;

  constructor(form) {
    this.#form = form;
    form.addEventListener('input', ({target}) => this.#setError(target.name, ''));
  }

  /** Takes up what the server allows, and what it does where it is told nothing. */
  adapt({limits = {}, defaults = {}}) {
    this.#limits = {...USUAL_LIMITS, ...limits};
    this.#control('guidance_scale').max = String(this.#limits.max_guidance_scale);
    this.#control('num_inference_steps').max = String(this.#limits.max_num_inference_steps);
    for (const name of ['guidance_scale', 'num_inference_steps']) {
      const control = this.#control(name);
      if (defaults[name] === undefined || control.value !== control.defaultValue) continue;
      control.value = control.defaultValue = String(defaults[name]);
    }
  }

  get limits() {
    return this.#limits;
  }

  /**
   * The settings by the service's names, as texts, without those that are left to the service.
   * Null where one is wrong, which is said and gets the focus.
   */
  read() {
    const problem = this.#problem();
    if (problem !== null) {
      this.showError(...problem);
      return null;
    }
    return this.fields;
  }

  /** The settings as they are, right or wrong. */
  get fields() {
    const fields = {};
    for (const [name, value] of new FormData(this.#form)) {
      if (value.trim() !== '' && name !== 'api_key') fields[name] = value.trim();
    }
    return fields;
  }

  /** How many times as wide and as high the answer is to be. */
  get scale() {
    return Number(this.fields.scale);
  }

  get apiKey() {
    return this.#control('api_key').value.trim();
  }

  set seed(text) {
    this.#form.querySelector('details').open = true;
    this.#control('seed').value = text;
    this.#setError('seed', '');
  }

  /** Shows the field for the API key, which most servers have no use for. */
  askForKey() {
    this.#form.querySelector('#key-field').hidden = false;
  }

  /** Says what is wrong with a field and moves there. False where there is no such field. */
  showError(name, message) {
    const control = this.#control(name);
    if (control === null) return false;
    const details = control.closest('details');
    if (details !== null) details.open = true;
    this.#setError(name, message);
    control.focus();
    return true;
  }

  clearErrors() {
    for (const error of this.#form.querySelectorAll('.field-error')) {
      this.#setError(error.dataset.for, '');
    }
  }

  #control(name) {
    return this.#form.querySelector(`[name="${CSS.escape(name)}"]`);
  }

  #setError(name, message) {
    const error = this.#form.querySelector(`.field-error[data-for="${CSS.escape(name)}"]`);
    if (error === null) return;
    error.textContent = message;
    const control = this.#control(name);
    if (message === '') {
      control.removeAttribute('aria-invalid');
    } else {
      control.setAttribute('aria-invalid', 'true');
    }
  }

  // [name, message] of the first field that the service would refuse, or null.
  #problem() {
    const {max_guidance_scale: most, max_num_inference_steps: longest} = this.#limits;
    return (
      this.#numberProblem('guidance_scale', (number) => number >= 0 && number <= most,
                          `a number from 0 to ${most}`) ??
      this.#numberProblem('num_inference_steps',
                          (number) => Number.isInteger(number) && number >= 1 && number <= longest,
                          `a whole number from 1 to ${longest}`) ??
      this.#seedProblem()
    );
  }

  #numberProblem(name, isAllowed, allowed) {
    const control = this.#control(name);
    if (!control.validity.badInput && control.value === '') return null;
    if (!control.validity.badInput && isAllowed(Number(control.value))) return null;
    return [name, `${labelOf(name)}: please give ${allowed}.`];
  }

  #seedProblem() {
    const text = this.#control('seed').value.trim();
    if (text === '' || (/^[0-9]+$/.test(text) && BigInt(text) <= LARGEST_SEED)) return null;
    return ['seed', `Seed: please give a whole number from 0 to ${LARGEST_SEED}, or nothing.`];
  }
}
