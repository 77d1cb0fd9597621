// A labelled native control: a browser's own range, number and select need no help from keyboard or reader.
export default {
  template: `
    <div class="field">
      <label :for="control">{{ label }}</label>
      <select v-if="kind === 'select'" :id="control" :value="current" @change="tell">
        <option v-for="option in options" :key="option[0]" :value="option[0]">{{ option[1] }}</option>
      </select>
      <input v-else :id="control" :type="kind" :value="current" :min="min" :max="max" :step="step"
        :inputmode="kind === 'number' ? 'numeric' : undefined" :aria-describedby="described"
        :aria-valuetext="kind === 'range' ? shown : undefined" @input="tell" />
      <output v-if="kind === 'range'" :for="control" aria-hidden="true">{{ shown }}</output>
    </div>
  `,
  props: {
    control: String,
    label: String,
    kind: String,
    initial: String,
    min: Number,
    max: Number,
    step: Number,
    scale: Number,
    digits: Number,
    unit: String,
    options: Array,
    described: String,
  },
  emits: ["told"],
  data() {
    return { current: this.initial };
  },
  computed: {
    shown() {
      return (Number(this.current) * this.scale).toFixed(this.digits) + this.unit;
    },
  },
  methods: {
    tell(event) {
      this.current = event.target.value;
      this.$emit("told", this.current);
    },
    put(value) {
      this.current = value;
    },
  },
};
