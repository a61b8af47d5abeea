/// How the page looks: one sheet, two schemes of colours, no font that is not there already.
///
/// The colours of the candidates differ in brightness too, for those who do not tell them apart by hue.
enum HTMLReportStyle {
  /// Names no other file and no address.
  static let sheet = colours + page + parts + charts

  private static let colours = """
    :root {
      --page: #f6f7f9; --card: #ffffff; --text: #1b2230; --soft: #5b6577; --edge: #dfe3ea; --grid: #e7eaf0;
      --underlay: #a3acba; --kernel: #3867c8; --vtep: #e2700c; --sealed: #87479f; --codec: #13857c; --one: #1b2230;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #12151b; --card: #1a1f28; --text: #e7ebf2; --soft: #99a4b5; --edge: #2b323e; --grid: #29303b;
        --underlay: #76818f; --kernel: #6d9bf5; --vtep: #ff9a3d; --sealed: #c48ae0; --codec: #3ec2b4; --one: #e7ebf2;
      }
    }
    .underlay { --colour: var(--underlay) } .kernel { --colour: var(--kernel) } .vtep { --colour: var(--vtep) }
    .vtep-sealed, .codec-sealed { --colour: var(--sealed) } .codec, .out { --colour: var(--vtep) }
    .back { --colour: var(--codec) }

    """

  private static let page = """
    * { box-sizing: border-box }
    body {
      margin: 0; background: var(--page); color: var(--text);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
    }
    header, main { max-width: 1180px; margin: 0 auto; padding: 0 24px }
    header { padding-top: 40px }
    h1 { margin: 0; font-size: 40px; line-height: 1.1; letter-spacing: -0.02em; font-weight: 700 }
    .brand { color: var(--vtep) }
    .machine { margin: 8px 0 0; font-size: 18px }
    .facts { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 0; margin: 4px 0 0; padding: 0 }
    .facts li { color: var(--soft) }
    .facts li:not(:last-child)::after { content: "·"; margin: 0 8px }
    section { margin-top: 40px }
    h2 { margin: 0 0 2px; font-size: 22px; letter-spacing: -0.01em }
    .remark { margin: 0 0 12px; color: var(--soft); max-width: 100ch }
    main > section:last-child { margin-bottom: 64px }
    main p { max-width: 80ch }
    a { color: var(--kernel) }

    """

  private static let parts = """
    .tiles { list-style: none; margin: 0; padding: 0; display: grid; gap: 16px;
      grid-template-columns: repeat(auto-fill, minmax(min(100%, 240px), 1fr)) }
    .tiles li, figure, .wide, section > .scroll, pre {
      background: var(--card); border: 1px solid var(--edge); border-radius: 12px }
    .tiles li { padding: 16px 20px; display: flex; flex-direction: column }
    .what { color: var(--soft) }
    .tiles .number { font-size: 36px; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em;
      font-variant-numeric: tabular-nums }
    .tiles small { font-size: 16px; font-weight: 400; letter-spacing: 0; color: var(--soft) }
    .beside { font-size: 14px; color: var(--soft) }
    .figures { display: grid; gap: 16px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)) }
    figure { margin: 0; padding: 16px 20px; min-width: 0; overflow-x: auto }
    figcaption { font-weight: 600; margin-bottom: 8px }
    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 12px; padding: 0 }
    .swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 8px;
      background: var(--colour) }
    details { margin-top: 8px }
    summary { cursor: pointer; color: var(--soft); font-size: 14px }
    .wide { padding: 12px 20px; margin: 0 } .after { margin-top: 16px }
    section > .scroll { padding: 12px 20px }
    .scroll { overflow-x: auto }
    table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; width: 100% }
    caption { text-align: left; color: var(--soft); padding: 4px 0 }
    th, td { padding: 4px 12px 4px 0; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap }
    .word { text-align: left }
    section > .scroll table, .wide table { width: auto; min-width: min(100%, 640px) }
    section > .scroll :is(th, td), .wide :is(th, td) { padding-right: 28px }
    thead th { color: var(--soft); font-weight: 500 }
    tbody th { font-weight: 500 }
    tbody tr:last-child > * { border-bottom: 0 }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 8px 0 }
    dt { color: var(--soft) } dd { margin: 0 }
    .notes { grid-template-columns: 1fr; gap: 0 } .notes dd { margin-bottom: 8px }
    pre { padding: 16px 20px; overflow: auto; max-height: 480px; font-size: 13px; user-select: all }
    @media print { body { background: none } section { break-inside: avoid } pre { max-height: none } }

    """

  private static let charts = """
    svg { display: block; width: 100%; min-width: 420px; height: auto; overflow: visible }
    svg text { font-size: 12px; fill: var(--text); font-variant-numeric: tabular-nums }
    svg .tick, svg .missing { fill: var(--soft); font-size: 11px } svg .strong { font-weight: 600 }
    svg .group { font-size: 12.5px } svg .value { font-weight: 600; font-size: 11.5px }
    .grid { stroke: var(--grid) } .axis { stroke: var(--soft) } .one { stroke: var(--one); stroke-width: 1.5 }
    .whole { fill: var(--colour) } .pale { fill-opacity: 0.38 }
    .whisker { stroke: var(--text); stroke-opacity: 0.75; stroke-width: 1.25; fill: none }
    .line .stroke { stroke: var(--colour); stroke-width: 2.5; fill: none; stroke-linejoin: round }
    .line circle, .dot circle { fill: var(--colour); stroke: var(--card); stroke-width: 1.5 }
    .dot .whisker { stroke: var(--colour); stroke-width: 2; stroke-opacity: 1 }

    """
}
