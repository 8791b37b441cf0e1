// 13 kernels

// random_split
@group(0) @binding(0) var<storage, read> arg0: array<u32>;
@group(0) @binding(1) var<storage, read_write> out0: array<vec4<u32>>;

fn shl_u32(a: u32, n: u32) -> u32 { return select(0u, a << (n & 31u), n < 32u); }

fn shr_u32(a: u32, n: u32) -> u32 { return select(0u, a >> (n & 31u), n < 32u); }

fn element(i: u32, x6: u32, x7: u32) -> u32 {
  // digits.py:151 in update
  let i_0 = i / 2u;
  let v1 = i32(i_0);
  let v2 = u32(v1);
  let v4 = v2 * 1u;
  let v5 = 0u + v4;
  let v8 = x6 ^ x7;
  let v10 = v8 ^ 466688986u;
  let v11 = 0u + x6;
  let v12 = v5 + x7;
  let v13 = v11 + v12;
  let v15 = shl_u32(v12, 13u);
  let v17 = shr_u32(v12, 19u);
  let v18 = v15 | v17;
  let v19 = v13 ^ v18;
  let v20 = v13 + v19;
  let v22 = shl_u32(v19, 15u);
  let v24 = shr_u32(v19, 17u);
  let v25 = v22 | v24;
  let v26 = v20 ^ v25;
  let v27 = v20 + v26;
  let v29 = shl_u32(v26, 26u);
  let v31 = shr_u32(v26, 6u);
  let v32 = v29 | v31;
  let v33 = v27 ^ v32;
  let v34 = v27 + v33;
  let v35 = shl_u32(v33, 6u);
  let v36 = shr_u32(v33, 26u);
  let v37 = v35 | v36;
  let v38 = v34 ^ v37;
  let v39 = v34 + x7;
  let v40 = v10 + 1u;
  let v41 = v38 + v40;
  let v42 = v39 + v41;
  let v43 = shl_u32(v41, 17u);
  let v44 = shr_u32(v41, 15u);
  let v45 = v43 | v44;
  let v46 = v42 ^ v45;
  let v47 = v42 + v46;
  let v49 = shl_u32(v46, 29u);
  let v51 = shr_u32(v46, 3u);
  let v52 = v49 | v51;
  let v53 = v47 ^ v52;
  let v54 = v47 + v53;
  let v56 = shl_u32(v53, 16u);
  let v57 = shr_u32(v53, 16u);
  let v58 = v56 | v57;
  let v59 = v54 ^ v58;
  let v60 = v54 + v59;
  let v62 = shl_u32(v59, 24u);
  let v64 = shr_u32(v59, 8u);
  let v65 = v62 | v64;
  let v66 = v60 ^ v65;
  let v67 = v60 + v10;
  let v69 = x6 + 2u;
  let v70 = v66 + v69;
  let v71 = v67 + v70;
  let v72 = shl_u32(v70, 13u);
  let v73 = shr_u32(v70, 19u);
  let v74 = v72 | v73;
  let v75 = v71 ^ v74;
  let v76 = v71 + v75;
  let v77 = shl_u32(v75, 15u);
  let v78 = shr_u32(v75, 17u);
  let v79 = v77 | v78;
  let v80 = v76 ^ v79;
  let v81 = v76 + v80;
  let v82 = shl_u32(v80, 26u);
  let v83 = shr_u32(v80, 6u);
  let v84 = v82 | v83;
  let v85 = v81 ^ v84;
  let v86 = v81 + v85;
  let v87 = shl_u32(v85, 6u);
  let v88 = shr_u32(v85, 26u);
  let v89 = v87 | v88;
  let v90 = v86 ^ v89;
  let v91 = v86 + x6;
  let v92 = x7 + 3u;
  let v93 = v90 + v92;
  let v94 = v91 + v93;
  let v95 = shl_u32(v93, 17u);
  let v96 = shr_u32(v93, 15u);
  let v97 = v95 | v96;
  let v98 = v94 ^ v97;
  let v99 = v94 + v98;
  let v100 = shl_u32(v98, 29u);
  let v101 = shr_u32(v98, 3u);
  let v102 = v100 | v101;
  let v103 = v99 ^ v102;
  let v104 = v99 + v103;
  let v105 = shl_u32(v103, 16u);
  let v106 = shr_u32(v103, 16u);
  let v107 = v105 | v106;
  let v108 = v104 ^ v107;
  let v109 = v104 + v108;
  let v110 = shl_u32(v108, 24u);
  let v111 = shr_u32(v108, 8u);
  let v112 = v110 | v111;
  let v113 = v109 ^ v112;
  let v114 = v109 + x7;
  let v116 = v10 + 4u;
  let v117 = v113 + v116;
  let v118 = v114 + v117;
  let v119 = shl_u32(v117, 13u);
  let v120 = shr_u32(v117, 19u);
  let v121 = v119 | v120;
  let v122 = v118 ^ v121;
  let v123 = v118 + v122;
  let v124 = shl_u32(v122, 15u);
  let v125 = shr_u32(v122, 17u);
  let v126 = v124 | v125;
  let v127 = v123 ^ v126;
  let v128 = v123 + v127;
  let v129 = shl_u32(v127, 26u);
  let v130 = shr_u32(v127, 6u);
  let v131 = v129 | v130;
  let v132 = v128 ^ v131;
  let v133 = v128 + v132;
  let v134 = shl_u32(v132, 6u);
  let v135 = shr_u32(v132, 26u);
  let v136 = v134 | v135;
  let v137 = v133 ^ v136;
  let v138 = v133 + v10;
  let v140 = x6 + 5u;
  let v141 = v137 + v140;
  let i_1 = i % 2u;
  let v142 = i32(i_1);
  let v144 = v142 == 0i;
  let v145 = select(v141, v138, v144);
  return v145;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = 4u * (group.x * 256u + thread);
  if (i < 4u) {
    let x6 = arg0[0u];
    let x7 = arg0[1u];
    let y0 = element(i, x6, x7);
    let y1 = element(i + 1u, x6, x7);
    let y2 = element(i + 2u, x6, x7);
    let y3 = element(i + 3u, x6, x7);
    out0[i / 4u] = vec4<u32>(y0, y1, y2, y3);
  }
}

// sub_bitcast_add_le_select_mod
@group(0) @binding(0) var<storage, read> arg0: array<u32>;
@group(0) @binding(1) var<storage, read_write> out0: array<vec4<u32>>;

fn mod_u32(a: u32, b: u32) -> u32 {
  return select(0u, a % max(b, 1u), b != 0u);
}

fn shl_u32(a: u32, n: u32) -> u32 { return select(0u, a << (n & 31u), n < 32u); }

fn shr_u32(a: u32, n: u32) -> u32 { return select(0u, a >> (n & 31u), n < 32u); }

fn element(i: u32, x6: u32, x7: u32) -> u32 {
  // digits.py:151 in update
  let v1 = i32(i);
  let v2 = u32(v1);
  let v4 = v2 * 1u;
  let v5 = 0u + v4;
  let v8 = x6 ^ x7;
  let v10 = v8 ^ 466688986u;
  let v11 = 0u + x6;
  let v12 = v5 + x7;
  let v13 = v11 + v12;
  let v15 = shl_u32(v12, 13u);
  let v17 = shr_u32(v12, 19u);
  let v18 = v15 | v17;
  let v19 = v13 ^ v18;
  let v20 = v13 + v19;
  let v22 = shl_u32(v19, 15u);
  let v24 = shr_u32(v19, 17u);
  let v25 = v22 | v24;
  let v26 = v20 ^ v25;
  let v27 = v20 + v26;
  let v29 = shl_u32(v26, 26u);
  let v31 = shr_u32(v26, 6u);
  let v32 = v29 | v31;
  let v33 = v27 ^ v32;
  let v34 = v27 + v33;
  let v35 = shl_u32(v33, 6u);
  let v36 = shr_u32(v33, 26u);
  let v37 = v35 | v36;
  let v38 = v34 ^ v37;
  let v39 = v34 + x7;
  let v40 = v10 + 1u;
  let v41 = v38 + v40;
  let v42 = v39 + v41;
  let v43 = shl_u32(v41, 17u);
  let v44 = shr_u32(v41, 15u);
  let v45 = v43 | v44;
  let v46 = v42 ^ v45;
  let v47 = v42 + v46;
  let v49 = shl_u32(v46, 29u);
  let v51 = shr_u32(v46, 3u);
  let v52 = v49 | v51;
  let v53 = v47 ^ v52;
  let v54 = v47 + v53;
  let v56 = shl_u32(v53, 16u);
  let v57 = shr_u32(v53, 16u);
  let v58 = v56 | v57;
  let v59 = v54 ^ v58;
  let v60 = v54 + v59;
  let v62 = shl_u32(v59, 24u);
  let v64 = shr_u32(v59, 8u);
  let v65 = v62 | v64;
  let v66 = v60 ^ v65;
  let v67 = v60 + v10;
  let v69 = x6 + 2u;
  let v70 = v66 + v69;
  let v71 = v67 + v70;
  let v72 = shl_u32(v70, 13u);
  let v73 = shr_u32(v70, 19u);
  let v74 = v72 | v73;
  let v75 = v71 ^ v74;
  let v76 = v71 + v75;
  let v77 = shl_u32(v75, 15u);
  let v78 = shr_u32(v75, 17u);
  let v79 = v77 | v78;
  let v80 = v76 ^ v79;
  let v81 = v76 + v80;
  let v82 = shl_u32(v80, 26u);
  let v83 = shr_u32(v80, 6u);
  let v84 = v82 | v83;
  let v85 = v81 ^ v84;
  let v86 = v81 + v85;
  let v87 = shl_u32(v85, 6u);
  let v88 = shr_u32(v85, 26u);
  let v89 = v87 | v88;
  let v90 = v86 ^ v89;
  let v91 = v86 + x6;
  let v92 = x7 + 3u;
  let v93 = v90 + v92;
  let v94 = v91 + v93;
  let v95 = shl_u32(v93, 17u);
  let v96 = shr_u32(v93, 15u);
  let v97 = v95 | v96;
  let v98 = v94 ^ v97;
  let v99 = v94 + v98;
  let v100 = shl_u32(v98, 29u);
  let v101 = shr_u32(v98, 3u);
  let v102 = v100 | v101;
  let v103 = v99 ^ v102;
  let v104 = v99 + v103;
  let v105 = shl_u32(v103, 16u);
  let v106 = shr_u32(v103, 16u);
  let v107 = v105 | v106;
  let v108 = v104 ^ v107;
  let v109 = v104 + v108;
  let v110 = shl_u32(v108, 24u);
  let v111 = shr_u32(v108, 8u);
  let v112 = v110 | v111;
  let v113 = v109 ^ v112;
  let v114 = v109 + x7;
  let v116 = v10 + 4u;
  let v117 = v113 + v116;
  let v118 = v114 + v117;
  let v119 = shl_u32(v117, 13u);
  let v120 = shr_u32(v117, 19u);
  let v121 = v119 | v120;
  let v122 = v118 ^ v121;
  let v123 = v118 + v122;
  let v124 = shl_u32(v122, 15u);
  let v125 = shr_u32(v122, 17u);
  let v126 = v124 | v125;
  let v127 = v123 ^ v126;
  let v128 = v123 + v127;
  let v129 = shl_u32(v127, 26u);
  let v130 = shr_u32(v127, 6u);
  let v131 = v129 | v130;
  let v132 = v128 ^ v131;
  let v133 = v128 + v132;
  let v134 = shl_u32(v132, 6u);
  let v135 = shr_u32(v132, 26u);
  let v136 = v134 | v135;
  let v137 = v133 ^ v136;
  let v138 = v133 + v10;
  let v140 = x6 + 5u;
  let v141 = v137 + v140;
  let v142 = v138 ^ v141;
  let v144 = mod_u32(v142, 1437u);
  return v144;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = 4u * (group.x * 256u + thread);
  if (i < 64u) {
    let x6 = arg0[2u];
    let x7 = arg0[3u];
    let y0 = element(i, x6, x7);
    let y1 = element(i + 1u, x6, x7);
    let y2 = element(i + 2u, x6, x7);
    let y3 = element(i + 3u, x6, x7);
    out0[i / 4u] = vec4<u32>(y0, y1, y2, y3);
  }
}

// in_dim_lt_add_select_take
@group(0) @binding(0) var<storage, read> arg0: array<u32>;
@group(0) @binding(1) var<storage, read> arg1: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> arg2: array<i32>;
@group(0) @binding(3) var<storage, read_write> out0: array<vec4<i32>>;
@group(0) @binding(4) var<storage, read_write> out1: array<vec4<i32>>;

fn mod_u32(a: u32, b: u32) -> u32 {
  return select(0u, a % max(b, 1u), b != 0u);
}

fn shl_u32(a: u32, n: u32) -> u32 { return select(0u, a << (n & 31u), n < 32u); }

fn shr_u32(a: u32, n: u32) -> u32 { return select(0u, a >> (n & 31u), n < 32u); }

struct ElementValues { y156: i32, y162: i32 }
fn element(i: u32, x7: u32, x8: u32, x148: u32) -> ElementValues {
  // digits.py:151 in update
  let v2 = i32(i);
  let v3 = u32(v2);
  let v5 = v3 * 1u;
  let v6 = 0u + v5;
  let v9 = x7 ^ x8;
  let v11 = v9 ^ 466688986u;
  let v12 = 0u + x7;
  let v13 = v6 + x8;
  let v14 = v12 + v13;
  let v16 = shl_u32(v13, 13u);
  let v18 = shr_u32(v13, 19u);
  let v19 = v16 | v18;
  let v20 = v14 ^ v19;
  let v21 = v14 + v20;
  let v23 = shl_u32(v20, 15u);
  let v25 = shr_u32(v20, 17u);
  let v26 = v23 | v25;
  let v27 = v21 ^ v26;
  let v28 = v21 + v27;
  let v30 = shl_u32(v27, 26u);
  let v32 = shr_u32(v27, 6u);
  let v33 = v30 | v32;
  let v34 = v28 ^ v33;
  let v35 = v28 + v34;
  let v36 = shl_u32(v34, 6u);
  let v37 = shr_u32(v34, 26u);
  let v38 = v36 | v37;
  let v39 = v35 ^ v38;
  let v40 = v35 + x8;
  let v41 = v11 + 1u;
  let v42 = v39 + v41;
  let v43 = v40 + v42;
  let v44 = shl_u32(v42, 17u);
  let v45 = shr_u32(v42, 15u);
  let v46 = v44 | v45;
  let v47 = v43 ^ v46;
  let v48 = v43 + v47;
  let v50 = shl_u32(v47, 29u);
  let v52 = shr_u32(v47, 3u);
  let v53 = v50 | v52;
  let v54 = v48 ^ v53;
  let v55 = v48 + v54;
  let v57 = shl_u32(v54, 16u);
  let v58 = shr_u32(v54, 16u);
  let v59 = v57 | v58;
  let v60 = v55 ^ v59;
  let v61 = v55 + v60;
  let v63 = shl_u32(v60, 24u);
  let v65 = shr_u32(v60, 8u);
  let v66 = v63 | v65;
  let v67 = v61 ^ v66;
  let v68 = v61 + v11;
  let v70 = x7 + 2u;
  let v71 = v67 + v70;
  let v72 = v68 + v71;
  let v73 = shl_u32(v71, 13u);
  let v74 = shr_u32(v71, 19u);
  let v75 = v73 | v74;
  let v76 = v72 ^ v75;
  let v77 = v72 + v76;
  let v78 = shl_u32(v76, 15u);
  let v79 = shr_u32(v76, 17u);
  let v80 = v78 | v79;
  let v81 = v77 ^ v80;
  let v82 = v77 + v81;
  let v83 = shl_u32(v81, 26u);
  let v84 = shr_u32(v81, 6u);
  let v85 = v83 | v84;
  let v86 = v82 ^ v85;
  let v87 = v82 + v86;
  let v88 = shl_u32(v86, 6u);
  let v89 = shr_u32(v86, 26u);
  let v90 = v88 | v89;
  let v91 = v87 ^ v90;
  let v92 = v87 + x7;
  let v93 = x8 + 3u;
  let v94 = v91 + v93;
  let v95 = v92 + v94;
  let v96 = shl_u32(v94, 17u);
  let v97 = shr_u32(v94, 15u);
  let v98 = v96 | v97;
  let v99 = v95 ^ v98;
  let v100 = v95 + v99;
  let v101 = shl_u32(v99, 29u);
  let v102 = shr_u32(v99, 3u);
  let v103 = v101 | v102;
  let v104 = v100 ^ v103;
  let v105 = v100 + v104;
  let v106 = shl_u32(v104, 16u);
  let v107 = shr_u32(v104, 16u);
  let v108 = v106 | v107;
  let v109 = v105 ^ v108;
  let v110 = v105 + v109;
  let v111 = shl_u32(v109, 24u);
  let v112 = shr_u32(v109, 8u);
  let v113 = v111 | v112;
  let v114 = v110 ^ v113;
  let v115 = v110 + x8;
  let v117 = v11 + 4u;
  let v118 = v114 + v117;
  let v119 = v115 + v118;
  let v120 = shl_u32(v118, 13u);
  let v121 = shr_u32(v118, 19u);
  let v122 = v120 | v121;
  let v123 = v119 ^ v122;
  let v124 = v119 + v123;
  let v125 = shl_u32(v123, 15u);
  let v126 = shr_u32(v123, 17u);
  let v127 = v125 | v126;
  let v128 = v124 ^ v127;
  let v129 = v124 + v128;
  let v130 = shl_u32(v128, 26u);
  let v131 = shr_u32(v128, 6u);
  let v132 = v130 | v131;
  let v133 = v129 ^ v132;
  let v134 = v129 + v133;
  let v135 = shl_u32(v133, 6u);
  let v136 = shr_u32(v133, 26u);
  let v137 = v135 | v136;
  let v138 = v134 ^ v137;
  let v139 = v134 + v11;
  let v141 = x7 + 5u;
  let v142 = v138 + v141;
  let v143 = v139 ^ v142;
  let v145 = mod_u32(v143, 1437u);
  let v147 = v145 * 1342u;
  let v149 = v147 + x148;
  let v150 = mod_u32(v149, 1437u);
  let v151 = i32(v150);
  let v152 = 0i + v151;
  // digits.py:152 in update
  let v153 = v152 < 0i;
  let v155 = v152 + 1437i;
  let v156 = select(v152, v155, v153);
  let v158 = max(v156, 0i);
  let v159 = min(v158, 1436i);
  let v161 = v159 * 1i;
  let v162 = arg2[u32(v161)];
  return ElementValues(v156, v162);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = 4u * (group.x * 256u + thread);
  if (i < 64u) {
    let x7 = arg0[0u];
    let x8 = arg0[1u];
    let x148 = arg1[i / 4u];
    let y0 = element(i, x7, x8, x148.x);
    let y1 = element(i + 1u, x7, x8, x148.y);
    let y2 = element(i + 2u, x7, x8, x148.z);
    let y3 = element(i + 3u, x7, x8, x148.w);
    out0[i / 4u] = vec4<i32>(y0.y156, y1.y156, y2.y156, y3.y156);
    out1[i / 4u] = vec4<i32>(y0.y162, y1.y162, y2.y162, y3.y162);
  }
}

// take
@group(0) @binding(0) var<storage, read> arg0: array<f32>;
@group(0) @binding(1) var<storage, read> arg1: array<i32>;
@group(0) @binding(2) var<storage, read_write> out0: array<vec4<f32>>;

fn element(i: u32, x0: i32) -> f32 {
  // digits.py:152 in update
  let v3 = max(x0, 0i);
  let v4 = min(v3, 1436i);
  let v6 = v4 * 64i;
  let i_0 = i % 64u;
  let v7 = i32(i_0);
  let v9 = v7 * 1i;
  let v10 = v6 + v9;
  let v11 = arg0[u32(v10)];
  return v11;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = 4u * (group.x * 256u + thread);
  let i_0 = i / 64u;
  let x0 = arg1[i_0];
  let y0 = element(i, x0);
  let y1 = element(i + 1u, x0);
  let y2 = element(i + 2u, x0);
  let y3 = element(i + 3u, x0);
  out0[i / 4u] = vec4<f32>(y0, y1, y2, y3);
}

// broadcast_in_dim_add_le_select
@group(0) @binding(0) var<storage, read> arg0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> arg1: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> arg2: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out0: array<u32>;
@group(0) @binding(4) var<storage, read_write> out1: array<vec4<f32>>;

var<workgroup> slab_a: array<vec4<f32>, 288>;
var<workgroup> slab_b: array<vec4<f32>, 512>;

fn magnitude(x: f32) -> u32 { return bitcast<u32>(x) & 0x7fffffffu; }

fn is_nan(x: f32) -> bool { return magnitude(x) > 0x7f800000u; }

// The operands of a comparison that is negated: !(a < b) must not become a >= b.
fn ordered(a: f32, b: f32) -> bool { return !is_nan(a) & !is_nan(b); }

fn pack_u8(v: vec4<u32>) -> u32 { return v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u); }

fn load_a(batch: u32, m: u32, k: u32) -> vec4<f32> {
  let x0 = arg0[(m * 64u + k) / 4u];
  return x0;
}

fn load_b(batch: u32, n: u32, k: u32) -> vec4<f32> {
  let x1 = arg1[(n + k * 128u) / 4u];
  return x1;
}

struct Stage1Values { y4: bool, y5: f32 }
fn stage1(x1: f32, r0_0: f32) -> Stage1Values {
  // digits.py:124 in scores
  let v2 = r0_0 + x1;
  let v4 = v2 <= 0.0;
  let v5 = select(v2, 0.0, v4 & ordered(v2, 0.0));
  return Stage1Values(v4, v5);
}

fn finish(batch: u32, m: u32, n: u32, sums: vec4<f32>) {
  {
    let x1 = arg2[n / 4u];
    let y0 = stage1(x1.x, sums.x);
    let y1 = stage1(x1.y, sums.y);
    let y2 = stage1(x1.z, sums.z);
    let y3 = stage1(x1.w, sums.w);
    out0[(m * 128u + n) / 4u] = pack_u8(vec4<u32>(u32(y0.y4), u32(y1.y4), u32(y2.y4), u32(y3.y4)));
    out1[(m * 128u + n) / 4u] = vec4<f32>(y0.y5, y1.y5, y2.y5, y3.y5);
  }
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let batch = 0u;
  let tile = group.x;
  let band = tile / 4u;
  let height = min(2u - band * 2u, 2u);
  let within = tile % 4u;
  let m0 = (band * 2u + within % height) * 32u;
  let n0 = within / height * 64u;
  let tx = thread % 8u + thread / 32u % 2u * 8u;
  let ty = thread / 8u % 4u + thread / 64u * 4u;
  let i_a0 = thread;
  let o_a0 = i_a0 / 8u;
  let k_a0 = i_a0 % 8u * 4u;
  let s_a0 = k_a0 * 9u + o_a0 / 4u;
  let g_a0 = m0 + o_a0;
  let i_a1 = thread + 128u;
  let o_a1 = i_a1 / 8u;
  let k_a1 = i_a1 % 8u * 4u;
  let s_a1 = k_a1 * 9u + o_a1 / 4u;
  let g_a1 = m0 + o_a1;
  let i_b0 = thread;
  let k_b0 = i_b0 / 16u;
  let s_b0 = i_b0;
  let g_b0 = n0 + i_b0 % 16u * 4u;
  let i_b1 = thread + 128u;
  let k_b1 = i_b1 / 16u;
  let s_b1 = i_b1;
  let g_b1 = n0 + i_b1 % 16u * 4u;
  let i_b2 = thread + 256u;
  let k_b2 = i_b2 / 16u;
  let s_b2 = i_b2;
  let g_b2 = n0 + i_b2 % 16u * 4u;
  let i_b3 = thread + 384u;
  let k_b3 = i_b3 / 16u;
  let s_b3 = i_b3;
  let g_b3 = n0 + i_b3 % 16u * 4u;
  var sum0_0 = vec4<f32>();
  var sum1_0 = vec4<f32>();
  var sum2_0 = vec4<f32>();
  var sum3_0 = vec4<f32>();
  var next_a0 = load_a(batch, g_a0, k_a0);
  var next_a1 = load_a(batch, g_a1, k_a1);
  var next_b0 = load_b(batch, g_b0, k_b0);
  var next_b1 = load_b(batch, g_b1, k_b1);
  var next_b2 = load_b(batch, g_b2, k_b2);
  var next_b3 = load_b(batch, g_b3, k_b3);
  slab_a[s_a0][o_a0 % 4u] = next_a0.x;
  slab_a[s_a0 + 9u][o_a0 % 4u] = next_a0.y;
  slab_a[s_a0 + 18u][o_a0 % 4u] = next_a0.z;
  slab_a[s_a0 + 27u][o_a0 % 4u] = next_a0.w;
  slab_a[s_a1][o_a1 % 4u] = next_a1.x;
  slab_a[s_a1 + 9u][o_a1 % 4u] = next_a1.y;
  slab_a[s_a1 + 18u][o_a1 % 4u] = next_a1.z;
  slab_a[s_a1 + 27u][o_a1 % 4u] = next_a1.w;
  slab_b[s_b0] = next_b0;
  slab_b[s_b1] = next_b1;
  slab_b[s_b2] = next_b2;
  slab_b[s_b3] = next_b3;
  workgroupBarrier();
  for (var slab = 0u; slab < 2u; slab = slab + 1u) {
    if (slab + 1u < 2u) {
      next_a0 = load_a(batch, g_a0, (slab + 1u) * 32u + k_a0);
      next_a1 = load_a(batch, g_a1, (slab + 1u) * 32u + k_a1);
      next_b0 = load_b(batch, g_b0, (slab + 1u) * 32u + k_b0);
      next_b1 = load_b(batch, g_b1, (slab + 1u) * 32u + k_b1);
      next_b2 = load_b(batch, g_b2, (slab + 1u) * 32u + k_b2);
      next_b3 = load_b(batch, g_b3, (slab + 1u) * 32u + k_b3);
    }
    {
      let a0 = slab_a[ty];
      let b0 = slab_b[tx];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 9u];
      let b0 = slab_b[tx + 16u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 18u];
      let b0 = slab_b[tx + 32u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 27u];
      let b0 = slab_b[tx + 48u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 36u];
      let b0 = slab_b[tx + 64u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 45u];
      let b0 = slab_b[tx + 80u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 54u];
      let b0 = slab_b[tx + 96u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 63u];
      let b0 = slab_b[tx + 112u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 72u];
      let b0 = slab_b[tx + 128u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 81u];
      let b0 = slab_b[tx + 144u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 90u];
      let b0 = slab_b[tx + 160u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 99u];
      let b0 = slab_b[tx + 176u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 108u];
      let b0 = slab_b[tx + 192u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 117u];
      let b0 = slab_b[tx + 208u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 126u];
      let b0 = slab_b[tx + 224u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 135u];
      let b0 = slab_b[tx + 240u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 144u];
      let b0 = slab_b[tx + 256u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 153u];
      let b0 = slab_b[tx + 272u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 162u];
      let b0 = slab_b[tx + 288u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 171u];
      let b0 = slab_b[tx + 304u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 180u];
      let b0 = slab_b[tx + 320u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 189u];
      let b0 = slab_b[tx + 336u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 198u];
      let b0 = slab_b[tx + 352u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 207u];
      let b0 = slab_b[tx + 368u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 216u];
      let b0 = slab_b[tx + 384u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 225u];
      let b0 = slab_b[tx + 400u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 234u];
      let b0 = slab_b[tx + 416u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 243u];
      let b0 = slab_b[tx + 432u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 252u];
      let b0 = slab_b[tx + 448u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 261u];
      let b0 = slab_b[tx + 464u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 270u];
      let b0 = slab_b[tx + 480u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 279u];
      let b0 = slab_b[tx + 496u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    workgroupBarrier();
    if (slab + 1u < 2u) {
      slab_a[s_a0][o_a0 % 4u] = next_a0.x;
      slab_a[s_a0 + 9u][o_a0 % 4u] = next_a0.y;
      slab_a[s_a0 + 18u][o_a0 % 4u] = next_a0.z;
      slab_a[s_a0 + 27u][o_a0 % 4u] = next_a0.w;
      slab_a[s_a1][o_a1 % 4u] = next_a1.x;
      slab_a[s_a1 + 9u][o_a1 % 4u] = next_a1.y;
      slab_a[s_a1 + 18u][o_a1 % 4u] = next_a1.z;
      slab_a[s_a1 + 27u][o_a1 % 4u] = next_a1.w;
      slab_b[s_b0] = next_b0;
      slab_b[s_b1] = next_b1;
      slab_b[s_b2] = next_b2;
      slab_b[s_b3] = next_b3;
    }
    workgroupBarrier();
  }
  finish(batch, m0 + ty * 4u, n0 + tx * 4u, sum0_0);
  finish(batch, m0 + (ty + 0u) * 4u + 1u, n0 + tx * 4u, sum1_0);
  finish(batch, m0 + (ty + 0u) * 4u + 2u, n0 + tx * 4u, sum2_0);
  finish(batch, m0 + (ty + 0u) * 4u + 3u, n0 + tx * 4u, sum3_0);
}

// dot_broadcast_in_dim_add
@group(0) @binding(0) var<storage, read> arg0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> arg1: array<f32>;
@group(0) @binding(2) var<storage, read> arg2: array<f32>;
@group(0) @binding(3) var<storage, read_write> out0: array<f32>;

var<workgroup> slab_a: array<vec4<f32>, 80>;
var<workgroup> slab_b: array<vec4<f32>, 128>;

fn load_a(batch: u32, m: u32, k: u32) -> vec4<f32> {
  let x0 = arg0[(m * 128u + k) / 4u];
  return x0;
}

fn b_at(n: u32, k: u32) -> f32 {
  // digits.py:125 in scores
  let x1 = arg1[n + k * 10u];
  return x1;
}

fn load_b(batch: u32, n: u32, k: u32) -> vec4<f32> {
  var y = vec4<f32>();
  if (n < 10u) { y.x = b_at(n, k); }
  if (n + 1u < 10u) { y.y = b_at(n + 1u, k); }
  if (n + 2u < 10u) { y.z = b_at(n + 2u, k); }
  if (n + 3u < 10u) { y.w = b_at(n + 3u, k); }
  return y;
}

fn stage1(m: u32, n: u32, r0_0: f32) {
  // digits.py:125 in scores
  let x1 = arg2[n];
  let v2 = r0_0 + x1;
  out0[m * 10u + n] = v2;
}

fn finish(batch: u32, m: u32, n: u32, sums: vec4<f32>) {
  if (n < 10u) { stage1(m, n, sums.x); }
  if (n + 1u < 10u) { stage1(m, n + 1u, sums.y); }
  if (n + 2u < 10u) { stage1(m, n + 2u, sums.z); }
  if (n + 3u < 10u) { stage1(m, n + 3u, sums.w); }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let batch = 0u;
  let tile = group.x;
  let m0 = tile % 4u * 16u;
  let n0 = tile / 4u * 32u;
  let tx = thread % 8u;
  let ty = thread / 8u;
  let i_a0 = thread;
  let o_a0 = i_a0 / 4u;
  let k_a0 = i_a0 % 4u * 4u;
  let s_a0 = k_a0 * 5u + o_a0 / 4u;
  let g_a0 = m0 + o_a0;
  let i_a1 = thread + 32u;
  let o_a1 = i_a1 / 4u;
  let k_a1 = i_a1 % 4u * 4u;
  let s_a1 = k_a1 * 5u + o_a1 / 4u;
  let g_a1 = m0 + o_a1;
  let i_b0 = thread;
  let k_b0 = i_b0 / 8u;
  let s_b0 = i_b0;
  let g_b0 = n0 + i_b0 % 8u * 4u;
  let i_b1 = thread + 32u;
  let k_b1 = i_b1 / 8u;
  let s_b1 = i_b1;
  let g_b1 = n0 + i_b1 % 8u * 4u;
  let i_b2 = thread + 64u;
  let k_b2 = i_b2 / 8u;
  let s_b2 = i_b2;
  let g_b2 = n0 + i_b2 % 8u * 4u;
  let i_b3 = thread + 96u;
  let k_b3 = i_b3 / 8u;
  let s_b3 = i_b3;
  let g_b3 = n0 + i_b3 % 8u * 4u;
  var sum0_0 = vec4<f32>();
  var sum1_0 = vec4<f32>();
  var sum2_0 = vec4<f32>();
  var sum3_0 = vec4<f32>();
  var next_a0 = load_a(batch, g_a0, k_a0);
  var next_a1 = load_a(batch, g_a1, k_a1);
  var next_b0 = load_b(batch, g_b0, k_b0);
  var next_b1 = load_b(batch, g_b1, k_b1);
  var next_b2 = load_b(batch, g_b2, k_b2);
  var next_b3 = load_b(batch, g_b3, k_b3);
  slab_a[s_a0][o_a0 % 4u] = next_a0.x;
  slab_a[s_a0 + 5u][o_a0 % 4u] = next_a0.y;
  slab_a[s_a0 + 10u][o_a0 % 4u] = next_a0.z;
  slab_a[s_a0 + 15u][o_a0 % 4u] = next_a0.w;
  slab_a[s_a1][o_a1 % 4u] = next_a1.x;
  slab_a[s_a1 + 5u][o_a1 % 4u] = next_a1.y;
  slab_a[s_a1 + 10u][o_a1 % 4u] = next_a1.z;
  slab_a[s_a1 + 15u][o_a1 % 4u] = next_a1.w;
  slab_b[s_b0] = next_b0;
  slab_b[s_b1] = next_b1;
  slab_b[s_b2] = next_b2;
  slab_b[s_b3] = next_b3;
  workgroupBarrier();
  for (var slab = 0u; slab < 8u; slab = slab + 1u) {
    if (slab + 1u < 8u) {
      next_a0 = load_a(batch, g_a0, (slab + 1u) * 16u + k_a0);
      next_a1 = load_a(batch, g_a1, (slab + 1u) * 16u + k_a1);
      next_b0 = load_b(batch, g_b0, (slab + 1u) * 16u + k_b0);
      next_b1 = load_b(batch, g_b1, (slab + 1u) * 16u + k_b1);
      next_b2 = load_b(batch, g_b2, (slab + 1u) * 16u + k_b2);
      next_b3 = load_b(batch, g_b3, (slab + 1u) * 16u + k_b3);
    }
    {
      let a0 = slab_a[ty];
      let b0 = slab_b[tx];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 5u];
      let b0 = slab_b[tx + 8u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 10u];
      let b0 = slab_b[tx + 16u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 15u];
      let b0 = slab_b[tx + 24u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 20u];
      let b0 = slab_b[tx + 32u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 25u];
      let b0 = slab_b[tx + 40u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 30u];
      let b0 = slab_b[tx + 48u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 35u];
      let b0 = slab_b[tx + 56u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 40u];
      let b0 = slab_b[tx + 64u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 45u];
      let b0 = slab_b[tx + 72u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 50u];
      let b0 = slab_b[tx + 80u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 55u];
      let b0 = slab_b[tx + 88u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 60u];
      let b0 = slab_b[tx + 96u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 65u];
      let b0 = slab_b[tx + 104u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 70u];
      let b0 = slab_b[tx + 112u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 75u];
      let b0 = slab_b[tx + 120u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    workgroupBarrier();
    if (slab + 1u < 8u) {
      slab_a[s_a0][o_a0 % 4u] = next_a0.x;
      slab_a[s_a0 + 5u][o_a0 % 4u] = next_a0.y;
      slab_a[s_a0 + 10u][o_a0 % 4u] = next_a0.z;
      slab_a[s_a0 + 15u][o_a0 % 4u] = next_a0.w;
      slab_a[s_a1][o_a1 % 4u] = next_a1.x;
      slab_a[s_a1 + 5u][o_a1 % 4u] = next_a1.y;
      slab_a[s_a1 + 10u][o_a1 % 4u] = next_a1.z;
      slab_a[s_a1 + 15u][o_a1 % 4u] = next_a1.w;
      slab_b[s_b0] = next_b0;
      slab_b[s_b1] = next_b1;
      slab_b[s_b2] = next_b2;
      slab_b[s_b3] = next_b3;
    }
    workgroupBarrier();
  }
  finish(batch, m0 + ty * 4u, n0 + tx * 4u, sum0_0);
  finish(batch, m0 + (ty + 0u) * 4u + 1u, n0 + tx * 4u, sum1_0);
  finish(batch, m0 + (ty + 0u) * 4u + 2u, n0 + tx * 4u, sum2_0);
  finish(batch, m0 + (ty + 0u) * 4u + 3u, n0 + tx * 4u, sum3_0);
}

// neg_broadcast_in_dim_div_add
@group(0) @binding(0) var<storage, read> arg0: array<i32>;
@group(0) @binding(1) var<storage, read> arg1: array<f32>;
@group(0) @binding(2) var<storage, read_write> out0: array<f32>;
@group(0) @binding(3) var<storage, read_write> out1: array<f32>;

var<workgroup> scratch_f32: array<f32, 256>;

// A number by its bits. Not a constant expression, so NaN and infinities may be written and nothing is folded.
var<private> zero_bits: u32 = 0u;
fn bits_f32(bits: u32) -> f32 { return bitcast<f32>(bits ^ zero_bits); }

fn magnitude(x: f32) -> u32 { return bitcast<u32>(x) & 0x7fffffffu; }

fn is_nan(x: f32) -> bool { return magnitude(x) > 0x7f800000u; }

fn is_finite(x: f32) -> bool { return magnitude(x) < 0x7f800000u; }

// Negation by the sign bit: NaN and zeros keep their other bits.
fn neg_f32(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }

// NaN in either operand comes out. It is looked for in both: beside a number known to be none, NVIDIA's compiler takes
// the selection alone for its own minimum, which drops NaN.
fn max_f32(a: f32, b: f32) -> f32 {
  return select(select(b, a, a > b), bits_f32(0x7fc00000u), is_nan(a) | is_nan(b));
}

// Division may be x times the inverse of y, and the inverse of a large number is a denormal, which may become zero.
fn div_f32(x: f32, y: f32) -> f32 {
  let s = select(1.0, 0.25, magnitude(y) >= 0x7e800000u);
  return (x * s) / (y * s);
}

// 1.2 ulp. x = k ln 2 + r, with ln 2 in two parts; 2**k in two factors, so that results may be denormal.
fn exp_f32(x: f32) -> f32 {
  let c = clamp(x, -104.0, 89.0);
  let k = round(c * 1.44269504);
  let r = (c - k * 0.693359375) - k * -2.12194440e-4;
  var p = 1.3981999507e-3 + r * 1.9875691500e-4;
  p = 4.1665795894e-2 + r * (8.3334519073e-3 + r * p);
  p = 1.0 + r + r * r * (0.5 + r * (1.6666665459e-1 + r * p));
  let k1 = i32(k) >> 1u;
  let k2 = i32(k) - k1;
  let y = p * bitcast<f32>(u32(k1 + 127) << 23u) * bitcast<f32>(u32(k2 + 127) << 23u);
  return select(select(y, bits_f32(0x7f800000u), x > 88.72284), x, is_nan(x));
}

// log(1 + f) for 1 + f between sqrt(1/2) and sqrt(2), plus k ln 2: fdlibm's form, f - (f*f/2 - s*(f*f/2 + R(s*s))).
fn log_core(f: f32, k: f32) -> f32 {
  let s = f / (2.0 + f);
  let z = s * s;
  let r = z * (0.66666662693 + z * (0.40000972152 + z * (0.28498786688 + z * 0.24279078841)));
  let h = 0.5 * f * f;
  return k * 0.69313812256 - ((h - (s * (h + r) + k * 9.0580006145e-6)) - f);
}

// 1 ulp; denormals where the device keeps them.
fn log_f32(x: f32) -> f32 {
  let tiny = x < 1.17549435e-38;
  let bits = bitcast<u32>(select(x, x * 8388608.0, tiny));
  let k = bitcast<i32>(bits - 0x3f3504f3u) >> 23u;
  let m = bitcast<f32>(bits - (bitcast<u32>(k) << 23u));
  let y = log_core(m - 1.0, f32(k - select(0, 23, tiny)));
  let end = select(select(y, x, !is_finite(x)), bits_f32(0xff800000u), x == 0.0);
  return select(end, bits_f32(0x7fc00000u), (x < 0.0) | is_nan(x));
}

struct Stage0Values { y4: f32, y7: f32 }
fn stage0(col: u32, x0: i32, x4: f32) -> Stage0Values {
  // digits.py:135 in batch_loss
  // digits.py:130 in example_loss
  let v1 = i32(col);
  // digits.py:135 in batch_loss
  let v2 = x0 == v1;
  let v3 = f32(v2);
  // digits.py:130 in example_loss
  let v6 = -0.015625 * v3;
  let v7 = neg_f32(v6);
  return Stage0Values(x4, v7);
}

fn stage1(x0: f32, r0_0: f32) -> f32 {
  // digits.py:130 in example_loss
  let v3 = max_f32(r0_0, bits_f32(0xff800000u));
  let v4 = x0 - v3;
  let v5 = exp_f32(v4);
  return v5;
}

fn stage2(row: u32, col: u32, x0: f32, x8: i32, x17: f32, r0_0: f32, r1_0: f32, r0_1: f32) -> f32 {
  // digits.py:130 in example_loss
  let v3 = max_f32(r0_0, bits_f32(0xff800000u));
  let v4 = x0 - v3;
  let v6 = log_f32(r1_0);
  let v7 = v4 - v6;
  // digits.py:135 in batch_loss
  // digits.py:130 in example_loss
  let v9 = i32(col);
  // digits.py:135 in batch_loss
  let v10 = x8 == v9;
  let v11 = f32(v10);
  // digits.py:130 in example_loss
  let v12 = v7 * v11;
  let v14 = -0.015625 * v11;
  let v16 = div_f32(r0_1, r1_0);
  let v18 = v16 * x17;
  let v19 = v14 + v18;
  out1[row * 10u + col] = v19;
  return v12;
}

fn stage3(row: u32, r2_0: f32) {
  // digits.py:130 in example_loss
  let v1 = neg_f32(r2_0);
  out0[row] = v1;
}

fn row_max_f32(thread: u32, lane: u32, value: f32) -> f32 {
  scratch_f32[thread] = value;
  workgroupBarrier();
  if (lane < 4u) {
    var part = value;
    for (var k = 4u; k < 16u; k = k + 4u) {
      let next = scratch_f32[thread + k];
      part = max_f32(part, next);
    }
    scratch_f32[thread] = part;
  }
  workgroupBarrier();
  let first = thread - lane;
  var total = scratch_f32[first];
  for (var k = 1u; k < 4u; k = k + 1u) {
    let next = scratch_f32[first + k];
    total = max_f32(total, next);
  }
  workgroupBarrier();
  return total;
}

fn row_sum_f32(thread: u32, lane: u32, value: f32) -> f32 {
  scratch_f32[thread] = value;
  workgroupBarrier();
  if (lane < 4u) {
    var part = value;
    for (var k = 4u; k < 16u; k = k + 4u) {
      let next = scratch_f32[thread + k];
      part = part + next;
    }
    scratch_f32[thread] = part;
  }
  workgroupBarrier();
  let first = thread - lane;
  var total = scratch_f32[first];
  for (var k = 1u; k < 4u; k = k + 1u) {
    let next = scratch_f32[first + k];
    total = total + next;
  }
  workgroupBarrier();
  return total;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % 16u;
  let row = group.x * 16u + thread / 16u;
  let h0_0 = arg0[row];
  var a0_0 = bits_f32(0xff800000u);
  var a0_1 = 0.0;
  var kept0_0: f32;
  {
    let col = lane;
    if (col < 10u) {
      let x4 = arg1[row * 10u + col];
      kept0_0 = x4;
      let y0 = stage0(col, h0_0, kept0_0);
      a0_0 = max_f32(a0_0, y0.y4);
      a0_1 = a0_1 + y0.y7;
    }
  }
  let r0_0 = row_max_f32(thread, lane, a0_0);
  let r0_1 = row_sum_f32(thread, lane, a0_1);
  var a1_0 = 0.0;
  var left0_0: f32;
  {
    let col = lane;
    if (col < 10u) {
      let y0 = stage1(kept0_0, r0_0);
      a1_0 = a1_0 + y0;
      left0_0 = y0;
    }
  }
  let r1_0 = row_sum_f32(thread, lane, a1_0);
  let h2_8 = arg0[row];
  var a2_0 = 0.0;
  {
    let col = lane;
    if (col < 10u) {
      let y0 = stage2(row, col, kept0_0, h2_8, left0_0, r0_0, r1_0, r0_1);
      a2_0 = a2_0 + y0;
    }
  }
  let r2_0 = row_sum_f32(thread, lane, a2_0);
  if (lane == 0u) {
    stage3(row, r2_0);
  }
}

// reduce_sum_div
@group(0) @binding(0) var<storage, read> arg0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out0: array<f32>;

var<workgroup> scratch_f32: array<f32, 16>;

fn stage1(r0_0: f32) {
  // digits.py:135 in batch_loss
  let v2 = r0_0 / 64.0;
  out0[0u] = v2;
}

fn row_sum_f32(thread: u32, lane: u32, value: f32) -> f32 {
  scratch_f32[thread] = value;
  workgroupBarrier();
  if (lane < 4u) {
    var part = value;
    for (var k = 4u; k < 16u; k = k + 4u) {
      let next = scratch_f32[thread + k];
      part = part + next;
    }
    scratch_f32[thread] = part;
  }
  workgroupBarrier();
  let first = thread - lane;
  var total = scratch_f32[first];
  for (var k = 1u; k < 4u; k = k + 1u) {
    let next = scratch_f32[first + k];
    total = total + next;
  }
  workgroupBarrier();
  return total;
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread;
  let row = group.x;
  var a0_0 = 0.0;
  {
    let col = lane * 4u;
    let x0 = arg0[col / 4u];
    let y0 = x0.x;
    let y1 = x0.y;
    let y2 = x0.z;
    let y3 = x0.w;
    a0_0 = a0_0 + ((y0 + y1) + (y2 + y3));
  }
  let r0_0 = row_sum_f32(thread, lane, a0_0);
  if (lane == 0u) {
    stage1(r0_0);
  }
}

// dot_select
@group(0) @binding(0) var<storage, read> arg0: array<f32>;
@group(0) @binding(1) var<storage, read> arg1: array<f32>;
@group(0) @binding(2) var<storage, read> arg2: array<u32>;
@group(0) @binding(3) var<storage, read_write> out0: array<vec4<f32>>;

var<workgroup> slab_a: array<vec4<f32>, 288>;
var<workgroup> slab_b: array<vec4<f32>, 544>;

fn four_u8(w: u32) -> vec4<u32> { return vec4<u32>(w & 0xffu, (w >> 8u) & 0xffu, (w >> 16u) & 0xffu, w >> 24u); }

fn a_at(m: u32, k: u32) -> f32 {
  // digits.py:125 in scores
  let x0 = arg0[m * 10u + k];
  return x0;
}

fn load_a(batch: u32, m: u32, k: u32) -> vec4<f32> {
  var y = vec4<f32>();
  if (k < 10u) { y.x = a_at(m, k); }
  if (k + 1u < 10u) { y.y = a_at(m, k + 1u); }
  if (k + 2u < 10u) { y.z = a_at(m, k + 2u); }
  if (k + 3u < 10u) { y.w = a_at(m, k + 3u); }
  return y;
}

fn b_at(n: u32, k: u32) -> f32 {
  // digits.py:125 in scores
  let x1 = arg1[n * 10u + k];
  return x1;
}

fn load_b(batch: u32, n: u32, k: u32) -> vec4<f32> {
  var y = vec4<f32>();
  if (k < 10u) { y.x = b_at(n, k); }
  if (k + 1u < 10u) { y.y = b_at(n, k + 1u); }
  if (k + 2u < 10u) { y.z = b_at(n, k + 2u); }
  if (k + 3u < 10u) { y.w = b_at(n, k + 3u); }
  return y;
}

fn stage1(x0: u32, r0_0: f32) -> f32 {
  // digits.py:124 in scores
  let v0 = x0 != 0u;
  let v3 = select(r0_0, 0.0, v0);
  return v3;
}

fn finish(batch: u32, m: u32, n: u32, sums: vec4<f32>) {
  {
    let x0 = four_u8(arg2[(m * 128u + n) / 4u]);
    let y0 = stage1(x0.x, sums.x);
    let y1 = stage1(x0.y, sums.y);
    let y2 = stage1(x0.z, sums.z);
    let y3 = stage1(x0.w, sums.w);
    out0[(m * 128u + n) / 4u] = vec4<f32>(y0, y1, y2, y3);
  }
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let batch = 0u;
  let tile = group.x;
  let band = tile / 4u;
  let height = min(2u - band * 2u, 2u);
  let within = tile % 4u;
  let m0 = (band * 2u + within % height) * 32u;
  let n0 = within / height * 64u;
  let tx = thread % 8u + thread / 32u % 2u * 8u;
  let ty = thread / 8u % 4u + thread / 64u * 4u;
  let i_a0 = thread;
  let o_a0 = i_a0 / 8u;
  let k_a0 = i_a0 % 8u * 4u;
  let s_a0 = k_a0 * 9u + o_a0 / 4u;
  let g_a0 = m0 + o_a0;
  let i_a1 = thread + 128u;
  let o_a1 = i_a1 / 8u;
  let k_a1 = i_a1 % 8u * 4u;
  let s_a1 = k_a1 * 9u + o_a1 / 4u;
  let g_a1 = m0 + o_a1;
  let i_b0 = thread;
  let o_b0 = i_b0 / 8u;
  let k_b0 = i_b0 % 8u * 4u;
  let s_b0 = k_b0 * 17u + o_b0 / 4u;
  let g_b0 = n0 + o_b0;
  let i_b1 = thread + 128u;
  let o_b1 = i_b1 / 8u;
  let k_b1 = i_b1 % 8u * 4u;
  let s_b1 = k_b1 * 17u + o_b1 / 4u;
  let g_b1 = n0 + o_b1;
  let i_b2 = thread + 256u;
  let o_b2 = i_b2 / 8u;
  let k_b2 = i_b2 % 8u * 4u;
  let s_b2 = k_b2 * 17u + o_b2 / 4u;
  let g_b2 = n0 + o_b2;
  let i_b3 = thread + 384u;
  let o_b3 = i_b3 / 8u;
  let k_b3 = i_b3 % 8u * 4u;
  let s_b3 = k_b3 * 17u + o_b3 / 4u;
  let g_b3 = n0 + o_b3;
  var sum0_0 = vec4<f32>();
  var sum1_0 = vec4<f32>();
  var sum2_0 = vec4<f32>();
  var sum3_0 = vec4<f32>();
  var next_a0 = load_a(batch, g_a0, k_a0);
  var next_a1 = load_a(batch, g_a1, k_a1);
  var next_b0 = load_b(batch, g_b0, k_b0);
  var next_b1 = load_b(batch, g_b1, k_b1);
  var next_b2 = load_b(batch, g_b2, k_b2);
  var next_b3 = load_b(batch, g_b3, k_b3);
  slab_a[s_a0][o_a0 % 4u] = next_a0.x;
  slab_a[s_a0 + 9u][o_a0 % 4u] = next_a0.y;
  slab_a[s_a0 + 18u][o_a0 % 4u] = next_a0.z;
  slab_a[s_a0 + 27u][o_a0 % 4u] = next_a0.w;
  slab_a[s_a1][o_a1 % 4u] = next_a1.x;
  slab_a[s_a1 + 9u][o_a1 % 4u] = next_a1.y;
  slab_a[s_a1 + 18u][o_a1 % 4u] = next_a1.z;
  slab_a[s_a1 + 27u][o_a1 % 4u] = next_a1.w;
  slab_b[s_b0][o_b0 % 4u] = next_b0.x;
  slab_b[s_b0 + 17u][o_b0 % 4u] = next_b0.y;
  slab_b[s_b0 + 34u][o_b0 % 4u] = next_b0.z;
  slab_b[s_b0 + 51u][o_b0 % 4u] = next_b0.w;
  slab_b[s_b1][o_b1 % 4u] = next_b1.x;
  slab_b[s_b1 + 17u][o_b1 % 4u] = next_b1.y;
  slab_b[s_b1 + 34u][o_b1 % 4u] = next_b1.z;
  slab_b[s_b1 + 51u][o_b1 % 4u] = next_b1.w;
  slab_b[s_b2][o_b2 % 4u] = next_b2.x;
  slab_b[s_b2 + 17u][o_b2 % 4u] = next_b2.y;
  slab_b[s_b2 + 34u][o_b2 % 4u] = next_b2.z;
  slab_b[s_b2 + 51u][o_b2 % 4u] = next_b2.w;
  slab_b[s_b3][o_b3 % 4u] = next_b3.x;
  slab_b[s_b3 + 17u][o_b3 % 4u] = next_b3.y;
  slab_b[s_b3 + 34u][o_b3 % 4u] = next_b3.z;
  slab_b[s_b3 + 51u][o_b3 % 4u] = next_b3.w;
  workgroupBarrier();
  for (var slab = 0u; slab < 1u; slab = slab + 1u) {
    if (slab + 1u < 1u) {
      next_a0 = load_a(batch, g_a0, (slab + 1u) * 32u + k_a0);
      next_a1 = load_a(batch, g_a1, (slab + 1u) * 32u + k_a1);
      next_b0 = load_b(batch, g_b0, (slab + 1u) * 32u + k_b0);
      next_b1 = load_b(batch, g_b1, (slab + 1u) * 32u + k_b1);
      next_b2 = load_b(batch, g_b2, (slab + 1u) * 32u + k_b2);
      next_b3 = load_b(batch, g_b3, (slab + 1u) * 32u + k_b3);
    }
    {
      let a0 = slab_a[ty];
      let b0 = slab_b[tx];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 9u];
      let b0 = slab_b[tx + 17u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 18u];
      let b0 = slab_b[tx + 34u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 27u];
      let b0 = slab_b[tx + 51u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 36u];
      let b0 = slab_b[tx + 68u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 45u];
      let b0 = slab_b[tx + 85u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 54u];
      let b0 = slab_b[tx + 102u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 63u];
      let b0 = slab_b[tx + 119u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 72u];
      let b0 = slab_b[tx + 136u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 81u];
      let b0 = slab_b[tx + 153u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 90u];
      let b0 = slab_b[tx + 170u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 99u];
      let b0 = slab_b[tx + 187u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 108u];
      let b0 = slab_b[tx + 204u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 117u];
      let b0 = slab_b[tx + 221u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 126u];
      let b0 = slab_b[tx + 238u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 135u];
      let b0 = slab_b[tx + 255u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 144u];
      let b0 = slab_b[tx + 272u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 153u];
      let b0 = slab_b[tx + 289u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 162u];
      let b0 = slab_b[tx + 306u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 171u];
      let b0 = slab_b[tx + 323u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 180u];
      let b0 = slab_b[tx + 340u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 189u];
      let b0 = slab_b[tx + 357u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 198u];
      let b0 = slab_b[tx + 374u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 207u];
      let b0 = slab_b[tx + 391u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 216u];
      let b0 = slab_b[tx + 408u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 225u];
      let b0 = slab_b[tx + 425u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 234u];
      let b0 = slab_b[tx + 442u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 243u];
      let b0 = slab_b[tx + 459u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 252u];
      let b0 = slab_b[tx + 476u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 261u];
      let b0 = slab_b[tx + 493u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 270u];
      let b0 = slab_b[tx + 510u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 279u];
      let b0 = slab_b[tx + 527u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    workgroupBarrier();
    if (slab + 1u < 1u) {
      slab_a[s_a0][o_a0 % 4u] = next_a0.x;
      slab_a[s_a0 + 9u][o_a0 % 4u] = next_a0.y;
      slab_a[s_a0 + 18u][o_a0 % 4u] = next_a0.z;
      slab_a[s_a0 + 27u][o_a0 % 4u] = next_a0.w;
      slab_a[s_a1][o_a1 % 4u] = next_a1.x;
      slab_a[s_a1 + 9u][o_a1 % 4u] = next_a1.y;
      slab_a[s_a1 + 18u][o_a1 % 4u] = next_a1.z;
      slab_a[s_a1 + 27u][o_a1 % 4u] = next_a1.w;
      slab_b[s_b0][o_b0 % 4u] = next_b0.x;
      slab_b[s_b0 + 17u][o_b0 % 4u] = next_b0.y;
      slab_b[s_b0 + 34u][o_b0 % 4u] = next_b0.z;
      slab_b[s_b0 + 51u][o_b0 % 4u] = next_b0.w;
      slab_b[s_b1][o_b1 % 4u] = next_b1.x;
      slab_b[s_b1 + 17u][o_b1 % 4u] = next_b1.y;
      slab_b[s_b1 + 34u][o_b1 % 4u] = next_b1.z;
      slab_b[s_b1 + 51u][o_b1 % 4u] = next_b1.w;
      slab_b[s_b2][o_b2 % 4u] = next_b2.x;
      slab_b[s_b2 + 17u][o_b2 % 4u] = next_b2.y;
      slab_b[s_b2 + 34u][o_b2 % 4u] = next_b2.z;
      slab_b[s_b2 + 51u][o_b2 % 4u] = next_b2.w;
      slab_b[s_b3][o_b3 % 4u] = next_b3.x;
      slab_b[s_b3 + 17u][o_b3 % 4u] = next_b3.y;
      slab_b[s_b3 + 34u][o_b3 % 4u] = next_b3.z;
      slab_b[s_b3 + 51u][o_b3 % 4u] = next_b3.w;
    }
    workgroupBarrier();
  }
  finish(batch, m0 + ty * 4u, n0 + tx * 4u, sum0_0);
  finish(batch, m0 + (ty + 0u) * 4u + 1u, n0 + tx * 4u, sum1_0);
  finish(batch, m0 + (ty + 0u) * 4u + 2u, n0 + tx * 4u, sum2_0);
  finish(batch, m0 + (ty + 0u) * 4u + 3u, n0 + tx * 4u, sum3_0);
}

// dot_mul_sub_add
@group(0) @binding(0) var<storage, read> arg0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> arg1: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> arg2: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> arg3: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> out0: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> out1: array<vec4<f32>>;

var<workgroup> slab_a: array<vec4<f32>, 256>;
var<workgroup> slab_b: array<vec4<f32>, 512>;

fn load_a(batch: u32, m: u32, k: u32) -> vec4<f32> {
  let x0 = arg0[(m + k * 64u) / 4u];
  return x0;
}

fn load_b(batch: u32, n: u32, k: u32) -> vec4<f32> {
  let x1 = arg1[(n + k * 128u) / 4u];
  return x1;
}

struct Stage1Values { y6: f32, y8: f32 }
fn stage1(x1: f32, x7: f32, r0_0: f32) -> Stage1Values {
  // digits.py:140 in accelerate
  let v2 = 0.9 * x1;
  let v5 = 0.2 * r0_0;
  let v6 = v2 - v5;
  // digits.py:145 in move
  let v8 = x7 + v6;
  return Stage1Values(v6, v8);
}

fn finish(batch: u32, m: u32, n: u32, sums: vec4<f32>) {
  {
    let x1 = arg2[(m * 128u + n) / 4u];
    let x7 = arg3[(m * 128u + n) / 4u];
    let y0 = stage1(x1.x, x7.x, sums.x);
    let y1 = stage1(x1.y, x7.y, sums.y);
    let y2 = stage1(x1.z, x7.z, sums.z);
    let y3 = stage1(x1.w, x7.w, sums.w);
    out0[(m * 128u + n) / 4u] = vec4<f32>(y0.y6, y1.y6, y2.y6, y3.y6);
    out1[(m * 128u + n) / 4u] = vec4<f32>(y0.y8, y1.y8, y2.y8, y3.y8);
  }
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let batch = 0u;
  let tile = group.x;
  let band = tile / 4u;
  let height = min(2u - band * 2u, 2u);
  let within = tile % 4u;
  let m0 = (band * 2u + within % height) * 32u;
  let n0 = within / height * 64u;
  let tx = thread % 8u + thread / 32u % 2u * 8u;
  let ty = thread / 8u % 4u + thread / 64u * 4u;
  let i_a0 = thread;
  let k_a0 = i_a0 / 8u;
  let s_a0 = i_a0;
  let g_a0 = m0 + i_a0 % 8u * 4u;
  let i_a1 = thread + 128u;
  let k_a1 = i_a1 / 8u;
  let s_a1 = i_a1;
  let g_a1 = m0 + i_a1 % 8u * 4u;
  let i_b0 = thread;
  let k_b0 = i_b0 / 16u;
  let s_b0 = i_b0;
  let g_b0 = n0 + i_b0 % 16u * 4u;
  let i_b1 = thread + 128u;
  let k_b1 = i_b1 / 16u;
  let s_b1 = i_b1;
  let g_b1 = n0 + i_b1 % 16u * 4u;
  let i_b2 = thread + 256u;
  let k_b2 = i_b2 / 16u;
  let s_b2 = i_b2;
  let g_b2 = n0 + i_b2 % 16u * 4u;
  let i_b3 = thread + 384u;
  let k_b3 = i_b3 / 16u;
  let s_b3 = i_b3;
  let g_b3 = n0 + i_b3 % 16u * 4u;
  var sum0_0 = vec4<f32>();
  var sum1_0 = vec4<f32>();
  var sum2_0 = vec4<f32>();
  var sum3_0 = vec4<f32>();
  var next_a0 = load_a(batch, g_a0, k_a0);
  var next_a1 = load_a(batch, g_a1, k_a1);
  var next_b0 = load_b(batch, g_b0, k_b0);
  var next_b1 = load_b(batch, g_b1, k_b1);
  var next_b2 = load_b(batch, g_b2, k_b2);
  var next_b3 = load_b(batch, g_b3, k_b3);
  slab_a[s_a0] = next_a0;
  slab_a[s_a1] = next_a1;
  slab_b[s_b0] = next_b0;
  slab_b[s_b1] = next_b1;
  slab_b[s_b2] = next_b2;
  slab_b[s_b3] = next_b3;
  workgroupBarrier();
  for (var slab = 0u; slab < 2u; slab = slab + 1u) {
    if (slab + 1u < 2u) {
      next_a0 = load_a(batch, g_a0, (slab + 1u) * 32u + k_a0);
      next_a1 = load_a(batch, g_a1, (slab + 1u) * 32u + k_a1);
      next_b0 = load_b(batch, g_b0, (slab + 1u) * 32u + k_b0);
      next_b1 = load_b(batch, g_b1, (slab + 1u) * 32u + k_b1);
      next_b2 = load_b(batch, g_b2, (slab + 1u) * 32u + k_b2);
      next_b3 = load_b(batch, g_b3, (slab + 1u) * 32u + k_b3);
    }
    {
      let a0 = slab_a[ty];
      let b0 = slab_b[tx];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 8u];
      let b0 = slab_b[tx + 16u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 16u];
      let b0 = slab_b[tx + 32u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 24u];
      let b0 = slab_b[tx + 48u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 32u];
      let b0 = slab_b[tx + 64u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 40u];
      let b0 = slab_b[tx + 80u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 48u];
      let b0 = slab_b[tx + 96u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 56u];
      let b0 = slab_b[tx + 112u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 64u];
      let b0 = slab_b[tx + 128u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 72u];
      let b0 = slab_b[tx + 144u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 80u];
      let b0 = slab_b[tx + 160u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 88u];
      let b0 = slab_b[tx + 176u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 96u];
      let b0 = slab_b[tx + 192u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 104u];
      let b0 = slab_b[tx + 208u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 112u];
      let b0 = slab_b[tx + 224u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 120u];
      let b0 = slab_b[tx + 240u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 128u];
      let b0 = slab_b[tx + 256u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 136u];
      let b0 = slab_b[tx + 272u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 144u];
      let b0 = slab_b[tx + 288u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 152u];
      let b0 = slab_b[tx + 304u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 160u];
      let b0 = slab_b[tx + 320u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 168u];
      let b0 = slab_b[tx + 336u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 176u];
      let b0 = slab_b[tx + 352u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 184u];
      let b0 = slab_b[tx + 368u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 192u];
      let b0 = slab_b[tx + 384u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 200u];
      let b0 = slab_b[tx + 400u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 208u];
      let b0 = slab_b[tx + 416u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 216u];
      let b0 = slab_b[tx + 432u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 224u];
      let b0 = slab_b[tx + 448u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 232u];
      let b0 = slab_b[tx + 464u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 240u];
      let b0 = slab_b[tx + 480u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 248u];
      let b0 = slab_b[tx + 496u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    workgroupBarrier();
    if (slab + 1u < 2u) {
      slab_a[s_a0] = next_a0;
      slab_a[s_a1] = next_a1;
      slab_b[s_b0] = next_b0;
      slab_b[s_b1] = next_b1;
      slab_b[s_b2] = next_b2;
      slab_b[s_b3] = next_b3;
    }
    workgroupBarrier();
  }
  finish(batch, m0 + ty * 4u, n0 + tx * 4u, sum0_0);
  finish(batch, m0 + (ty + 0u) * 4u + 1u, n0 + tx * 4u, sum1_0);
  finish(batch, m0 + (ty + 0u) * 4u + 2u, n0 + tx * 4u, sum2_0);
  finish(batch, m0 + (ty + 0u) * 4u + 3u, n0 + tx * 4u, sum3_0);
}

// reduce_sum_mul_sub_add
@group(0) @binding(0) var<storage, read> arg0: array<f32>;
@group(0) @binding(1) var<storage, read> arg1: array<f32>;
@group(0) @binding(2) var<storage, read> arg2: array<f32>;
@group(0) @binding(3) var<storage, read_write> out0: array<f32>;
@group(0) @binding(4) var<storage, read_write> out1: array<f32>;

var<workgroup> scratch_f32: array<f32, 256>;

fn stage1(row: u32, x1: f32, x7: f32, r0_0: f32) {
  // digits.py:140 in accelerate
  let v2 = 0.9 * x1;
  let v5 = 0.2 * r0_0;
  let v6 = v2 - v5;
  // digits.py:145 in move
  let v8 = x7 + v6;
  out0[row] = v6;
  out1[row] = v8;
}

fn row_sum_f32(thread: u32, lane: u32, value: f32) -> f32 {
  scratch_f32[thread] = value;
  workgroupBarrier();
  if (lane < 2u) {
    var part = value;
    for (var k = 2u; k < 8u; k = k + 2u) {
      let next = scratch_f32[thread + k * 32u];
      part = part + next;
    }
    scratch_f32[thread] = part;
  }
  workgroupBarrier();
  let first = thread - lane * 32u;
  var total = scratch_f32[first];
  for (var k = 1u; k < 2u; k = k + 1u) {
    let next = scratch_f32[first + k * 32u];
    total = total + next;
  }
  workgroupBarrier();
  return total;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread / 32u;
  let row = group.x * 32u + thread % 32u;
  var a0_0 = 0.0;
  for (var col = lane; col < 64u; col = col + 8u) {
    let x0 = arg0[row + col * 128u];
    let y0 = x0;
    a0_0 = a0_0 + y0;
  }
  let r0_0 = row_sum_f32(thread, lane, a0_0);
  let h1_1 = arg1[row];
  let h1_7 = arg2[row];
  if (lane == 0u) {
    stage1(row, h1_1, h1_7, r0_0);
  }
}

// dot_mul_sub_add
@group(0) @binding(0) var<storage, read> arg0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> arg1: array<f32>;
@group(0) @binding(2) var<storage, read> arg2: array<f32>;
@group(0) @binding(3) var<storage, read> arg3: array<f32>;
@group(0) @binding(4) var<storage, read_write> out0: array<f32>;
@group(0) @binding(5) var<storage, read_write> out1: array<f32>;

var<workgroup> slab_a: array<vec4<f32>, 64>;
var<workgroup> slab_b: array<vec4<f32>, 128>;

fn load_a(batch: u32, m: u32, k: u32) -> vec4<f32> {
  let x0 = arg0[(m + k * 128u) / 4u];
  return x0;
}

fn b_at(n: u32, k: u32) -> f32 {
  // digits.py:125 in scores
  let x1 = arg1[n + k * 10u];
  return x1;
}

fn load_b(batch: u32, n: u32, k: u32) -> vec4<f32> {
  var y = vec4<f32>();
  if (n < 10u) { y.x = b_at(n, k); }
  if (n + 1u < 10u) { y.y = b_at(n + 1u, k); }
  if (n + 2u < 10u) { y.z = b_at(n + 2u, k); }
  if (n + 3u < 10u) { y.w = b_at(n + 3u, k); }
  return y;
}

fn stage1(m: u32, n: u32, r0_0: f32) {
  // digits.py:140 in accelerate
  let x1 = arg2[m * 10u + n];
  let v2 = 0.9 * x1;
  let v5 = 0.2 * r0_0;
  let v6 = v2 - v5;
  // digits.py:145 in move
  let x7 = arg3[m * 10u + n];
  let v8 = x7 + v6;
  out0[m * 10u + n] = v6;
  out1[m * 10u + n] = v8;
}

fn finish(batch: u32, m: u32, n: u32, sums: vec4<f32>) {
  if (n < 10u) { stage1(m, n, sums.x); }
  if (n + 1u < 10u) { stage1(m, n + 1u, sums.y); }
  if (n + 2u < 10u) { stage1(m, n + 2u, sums.z); }
  if (n + 3u < 10u) { stage1(m, n + 3u, sums.w); }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let batch = 0u;
  let tile = group.x;
  let m0 = tile % 8u * 16u;
  let n0 = tile / 8u * 32u;
  let tx = thread % 8u;
  let ty = thread / 8u;
  let i_a0 = thread;
  let k_a0 = i_a0 / 4u;
  let s_a0 = i_a0;
  let g_a0 = m0 + i_a0 % 4u * 4u;
  let i_a1 = thread + 32u;
  let k_a1 = i_a1 / 4u;
  let s_a1 = i_a1;
  let g_a1 = m0 + i_a1 % 4u * 4u;
  let i_b0 = thread;
  let k_b0 = i_b0 / 8u;
  let s_b0 = i_b0;
  let g_b0 = n0 + i_b0 % 8u * 4u;
  let i_b1 = thread + 32u;
  let k_b1 = i_b1 / 8u;
  let s_b1 = i_b1;
  let g_b1 = n0 + i_b1 % 8u * 4u;
  let i_b2 = thread + 64u;
  let k_b2 = i_b2 / 8u;
  let s_b2 = i_b2;
  let g_b2 = n0 + i_b2 % 8u * 4u;
  let i_b3 = thread + 96u;
  let k_b3 = i_b3 / 8u;
  let s_b3 = i_b3;
  let g_b3 = n0 + i_b3 % 8u * 4u;
  var sum0_0 = vec4<f32>();
  var sum1_0 = vec4<f32>();
  var sum2_0 = vec4<f32>();
  var sum3_0 = vec4<f32>();
  var next_a0 = load_a(batch, g_a0, k_a0);
  var next_a1 = load_a(batch, g_a1, k_a1);
  var next_b0 = load_b(batch, g_b0, k_b0);
  var next_b1 = load_b(batch, g_b1, k_b1);
  var next_b2 = load_b(batch, g_b2, k_b2);
  var next_b3 = load_b(batch, g_b3, k_b3);
  slab_a[s_a0] = next_a0;
  slab_a[s_a1] = next_a1;
  slab_b[s_b0] = next_b0;
  slab_b[s_b1] = next_b1;
  slab_b[s_b2] = next_b2;
  slab_b[s_b3] = next_b3;
  workgroupBarrier();
  for (var slab = 0u; slab < 4u; slab = slab + 1u) {
    if (slab + 1u < 4u) {
      next_a0 = load_a(batch, g_a0, (slab + 1u) * 16u + k_a0);
      next_a1 = load_a(batch, g_a1, (slab + 1u) * 16u + k_a1);
      next_b0 = load_b(batch, g_b0, (slab + 1u) * 16u + k_b0);
      next_b1 = load_b(batch, g_b1, (slab + 1u) * 16u + k_b1);
      next_b2 = load_b(batch, g_b2, (slab + 1u) * 16u + k_b2);
      next_b3 = load_b(batch, g_b3, (slab + 1u) * 16u + k_b3);
    }
    {
      let a0 = slab_a[ty];
      let b0 = slab_b[tx];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 4u];
      let b0 = slab_b[tx + 8u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 8u];
      let b0 = slab_b[tx + 16u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 12u];
      let b0 = slab_b[tx + 24u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 16u];
      let b0 = slab_b[tx + 32u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 20u];
      let b0 = slab_b[tx + 40u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 24u];
      let b0 = slab_b[tx + 48u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 28u];
      let b0 = slab_b[tx + 56u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 32u];
      let b0 = slab_b[tx + 64u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 36u];
      let b0 = slab_b[tx + 72u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 40u];
      let b0 = slab_b[tx + 80u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 44u];
      let b0 = slab_b[tx + 88u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 48u];
      let b0 = slab_b[tx + 96u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 52u];
      let b0 = slab_b[tx + 104u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 56u];
      let b0 = slab_b[tx + 112u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    {
      let a0 = slab_a[ty + 60u];
      let b0 = slab_b[tx + 120u];
      sum0_0 = fma(vec4<f32>(a0.x), b0, sum0_0);
      sum1_0 = fma(vec4<f32>(a0.y), b0, sum1_0);
      sum2_0 = fma(vec4<f32>(a0.z), b0, sum2_0);
      sum3_0 = fma(vec4<f32>(a0.w), b0, sum3_0);
    }
    workgroupBarrier();
    if (slab + 1u < 4u) {
      slab_a[s_a0] = next_a0;
      slab_a[s_a1] = next_a1;
      slab_b[s_b0] = next_b0;
      slab_b[s_b1] = next_b1;
      slab_b[s_b2] = next_b2;
      slab_b[s_b3] = next_b3;
    }
    workgroupBarrier();
  }
  finish(batch, m0 + ty * 4u, n0 + tx * 4u, sum0_0);
  finish(batch, m0 + (ty + 0u) * 4u + 1u, n0 + tx * 4u, sum1_0);
  finish(batch, m0 + (ty + 0u) * 4u + 2u, n0 + tx * 4u, sum2_0);
  finish(batch, m0 + (ty + 0u) * 4u + 3u, n0 + tx * 4u, sum3_0);
}

// reduce_sum_mul_sub_add
@group(0) @binding(0) var<storage, read> arg0: array<f32>;
@group(0) @binding(1) var<storage, read> arg1: array<f32>;
@group(0) @binding(2) var<storage, read> arg2: array<f32>;
@group(0) @binding(3) var<storage, read_write> out0: array<f32>;
@group(0) @binding(4) var<storage, read_write> out1: array<f32>;

var<workgroup> scratch_f32: array<f32, 256>;

fn stage1(row: u32, x1: f32, x7: f32, r0_0: f32) {
  // digits.py:140 in accelerate
  let v2 = 0.9 * x1;
  let v5 = 0.2 * r0_0;
  let v6 = v2 - v5;
  // digits.py:145 in move
  let v8 = x7 + v6;
  out0[row] = v6;
  out1[row] = v8;
}

fn row_sum_f32(thread: u32, lane: u32, value: f32) -> f32 {
  scratch_f32[thread] = value;
  workgroupBarrier();
  if (lane < 4u) {
    var part = value;
    for (var k = 4u; k < 16u; k = k + 4u) {
      let next = scratch_f32[thread + k * 16u];
      part = part + next;
    }
    scratch_f32[thread] = part;
  }
  workgroupBarrier();
  let first = thread - lane * 16u;
  var total = scratch_f32[first];
  for (var k = 1u; k < 4u; k = k + 1u) {
    let next = scratch_f32[first + k * 16u];
    total = total + next;
  }
  workgroupBarrier();
  return total;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread / 16u;
  let place = group.x * 16u + thread % 16u;
  let live = place < 10u;
  let row = min(place, 9u);
  var a0_0 = 0.0;
  for (var col = lane; col < 64u; col = col + 16u) {
    let x0 = arg0[row + col * 10u];
    let y0 = x0;
    a0_0 = a0_0 + y0;
  }
  let r0_0 = row_sum_f32(thread, lane, a0_0);
  let h1_1 = arg1[row];
  let h1_7 = arg2[row];
  if (live & (lane == 0u)) {
    stage1(row, h1_1, h1_7, r0_0);
  }
}
