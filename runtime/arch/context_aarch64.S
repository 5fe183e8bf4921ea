// runtime/arch/context_aarch64.S - see context.h. AAPCS64: x0 = void** save, x1 = void* to.
// Frame, from low to high: x19..x29 (11), d8..d15 (8), x30: 160 bytes, so that sp stays a multiple of
// 16, which the processor checks at each access through it.
    .text

    .globl  gorun_context_switch
    .type   gorun_context_switch, %function
    .p2align 5
gorun_context_switch:
    .cfi_startproc
    sub     sp, sp, #160
    .cfi_adjust_cfa_offset 160
    stp     x19, x20, [sp, #0]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    str     x29, [sp, #80]
    stp     d8, d9, [sp, #88]
    stp     d10, d11, [sp, #104]
    stp     d12, d13, [sp, #120]
    stp     d14, d15, [sp, #136]
    str     x30, [sp, #152]
    mov     x9, sp
    str     x9, [x0]
    mov     sp, x1
    ldp     x19, x20, [sp, #0]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldr     x29, [sp, #80]
    ldp     d8, d9, [sp, #88]
    ldp     d10, d11, [sp, #104]
    ldp     d12, d13, [sp, #120]
    ldp     d14, d15, [sp, #136]
    ldr     x30, [sp, #152]
    add     sp, sp, #160
    .cfi_adjust_cfa_offset -160
    ret
    .cfi_endproc
    .size   gorun_context_switch, . - gorun_context_switch

    .globl  gorun_context_entry
    .type   gorun_context_entry, %function
    .p2align 4
gorun_context_entry:
    .cfi_startproc
    .cfi_undefined x30
    mov     x29, xzr
    mov     x30, xzr
    mov     x9, sp
    and     sp, x9, #-16
    bl      gorun_goroutine_main
    brk     #0
    .cfi_endproc
    .size   gorun_context_entry, . - gorun_context_entry

    .section .note.GNU-stack, "", %progbits
