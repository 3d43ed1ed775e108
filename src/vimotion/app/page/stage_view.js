// NiceGUI's side of the stage; see stage.py. What is asked before the human has come waits for it.
import { Stage, fetched } from "vimotion-stage";

export default {
  template: "<div></div>",
  props: { human: String },
  mounted() {
    this.ready = fetched(this.human).then((human) => (this.gone ? null : (this.stage = new Stage(this.$el, human))));
  },
  beforeUnmount() {
    this.gone = true;
    this.stage?.dispose();
  },
  methods: {
    async ask(what, ...given) {
      try {
        await (await this.ready)?.[what](...given);
      } catch (error) {
        this.$emit("failed", error.message);
      }
    },
  },
};
